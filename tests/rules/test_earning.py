"""Revenue is earned by the day: the days add up to the price exactly, in whatever months they are cut."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tenure.billing.ledger import Account, credited, earned, ended, last_day, month_after, month_of, to_recognise
from tenure.kernel.money import Money
from tenure.kernel.periods import Span, plus_days

DAYS = st.dates(date(2015, 1, 1), date(2045, 12, 31))
PRICES = st.integers(0, 10**10).map(lambda minor: Money(minor, "TWD"))
SPANS = st.builds(lambda first, length: Span(first, plus_days(first, length)), DAYS, st.integers(0, 800))


def months(span: Span) -> list[date]:
    return ended(month_of(span.first), None, month_after(span.last))


@given(net=PRICES, span=SPANS)
def test_the_months_of_a_term_add_up_to_the_price(net, span):
    deferred, recognised = net, []
    for month in months(span):
        amount = to_recognise(deferred, [(net, span)], last_day(month))
        recognised.append(amount.minor)
        deferred -= amount
    assert deferred.minor == 0 and sum(recognised) == net.minor and min(recognised) >= 0


@given(net=PRICES, span=SPANS, day=DAYS)
def test_no_day_takes_back_what_an_earlier_one_earned(net, span, day):
    before, after = earned(net, span, day), earned(net, span, plus_days(day, 1))
    assert 0 <= before.minor <= after.minor <= net.minor
    # No day earns more than its share and what was rounded off before it.
    assert after.minor - before.minor <= -(-net.minor // span.days)
    assert earned(-net, span, day) == -before


@given(net=PRICES, span=SPANS)
def test_nothing_is_earned_before_the_first_day_and_all_of_it_on_the_last(net, span):
    assert earned(net, span, plus_days(span.first, -1)).minor == 0
    assert earned(net, span, span.last) == earned(net, span, span.last + timedelta(days=900)) == net
    assert earned(net, None, span.first) == net


@given(net=PRICES, span=SPANS, month=st.integers(0, 30))
def test_a_refund_takes_back_the_unearned_first_and_nothing_is_earned_after_it(net, span, month):
    """Whatever month it comes in: deferred revenue ends at zero, and revenue less what was given back is nothing."""
    deferred, revenue = net, 0
    for end in months(span)[:month]:
        amount = to_recognise(deferred, [(net, span)], last_day(end))
        deferred, revenue = deferred - amount, revenue + amount.minor
    note = {entry.account: entry.amount for entry in credited(-net, Money(0, "TWD"), -net, deferred)}
    back = note.get(Account.REFUNDS, Money(0, "TWD"))
    assert deferred == note.get(Account.DEFERRED_REVENUE, Money(0, "TWD"))
    assert back.minor == revenue
    nothing = Money(0, "TWD")
    assert to_recognise(nothing, [(net, span), (-net, span)], span.last) == nothing


@given(net=PRICES, part=st.integers(0, 100), span=SPANS, at=st.integers(0, 30))
def test_a_part_given_back_leaves_the_rest_to_be_earned_to_the_last_unit(net, part, span, at):
    gone = Money(net.minor * part // 100, "TWD")
    deferred, revenue, sold = net, 0, [(net, span)]
    for n, month in enumerate(months(span)):
        if n == at:
            note = {entry.account: entry.amount.minor for entry in credited(-gone, -gone + gone, -gone, deferred)}
            deferred -= Money(note.get(Account.DEFERRED_REVENUE, 0), "TWD")
            revenue -= note.get(Account.REFUNDS, 0)
            sold.append((-gone, span))
        amount = to_recognise(deferred, sold, last_day(month))
        deferred, revenue = deferred - amount, revenue + amount.minor
    if at < len(months(span)):
        assert (deferred.minor, revenue) == (0, net.minor - gone.minor)


@given(first=DAYS, done=st.one_of(st.none(), DAYS), today=DAYS)
def test_months_to_do_follow_each_other_and_are_over(first, done, today):
    found = ended(month_of(first), month_of(done) if done else None, today)
    assert found == sorted(set(found))
    assert all(month_after(a) == b for a, b in zip(found, found[1:], strict=False))
    assert all(last_day(month) < month_of(today) for month in found)
    if found:
        assert found[0] == (month_after(month_of(done)) if done else month_of(first))
        assert month_after(found[-1]) == month_of(today)
