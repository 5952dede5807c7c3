"""What falls due for a term: each charge and each telling once, however the days are walked."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tenure.memberships.rules import Status, TermFacts, standing, window
from tenure.programme.rules import Policy
from tenure.renewals.rules import charge_due, charges, still_useful, tellings

AURORA = Policy(1, date(2010, 1, 1))
DAYS = st.dates(date(2018, 1, 1), date(2040, 12, 31))
OFFSETS = st.lists(st.integers(2, 30), unique=True, max_size=6).map(lambda days: tuple(sorted(days)))
POLICIES = st.builds(
    Policy,
    st.just(1),
    st.just(date(2010, 1, 1)),
    retry_days=OFFSETS,
    reminder_days=st.lists(st.integers(-90, 30).filter(bool), unique=True, max_size=5).map(tuple),
)


def run_on(expires_on: date, policy: Policy, offsets: list[int]) -> tuple[list[tuple[str, int]], set[str]]:
    """Walk the days a run happened on, charging what is due and noting what it overtakes."""
    done: set[str] = set()
    made = []
    for offset in offsets:
        due, overtaken = charge_due(expires_on, policy, expires_on + timedelta(offset), frozenset(done))
        done.update(missed.action for missed in overtaken)
        if due:
            done.add(due.action)
            made.append((due.action, offset))
    return made, done


@given(expires_on=DAYS, policy=POLICIES, offsets=st.lists(st.integers(-5, 40), max_size=60).map(sorted))
def test_no_charge_is_skipped_or_repeated_however_the_run_happens(expires_on, policy, offsets):
    """civicrm#12315, OCA/contract#1057: due is "on or before today and not done", never "today"."""
    made, done = run_on(expires_on, policy, offsets)
    assert len({action for action, _ in made}) == len(made), "nothing twice"
    last = max(offsets, default=-5)
    assert done == {due.action for due in charges(expires_on, policy) if (due.due_on - expires_on).days <= last}
    for action, offset in made:
        assert int(action.split(":")[1]) <= offset, "nothing before its day"


@given(expires_on=DAYS, policy=POLICIES)
def test_a_run_every_day_makes_each_charge_on_its_own_day(expires_on, policy):
    made, _ = run_on(expires_on, policy, list(range(-5, 41)))
    assert made == [(f"charge:{day:+d}", day) for day in (1, *policy.retry_days)]


@given(expires_on=DAYS, policy=POLICIES, back_on=st.integers(1, 30))
def test_after_days_of_downtime_one_charge_is_made_and_the_rest_is_noted_as_overtaken(expires_on, policy, back_on):
    """Lago 1215: charged twice within days. The first run after N nights makes exactly one charge."""
    due, overtaken = charge_due(expires_on, policy, expires_on + timedelta(back_on), frozenset())
    waiting = [d.action for d in charges(expires_on, policy) if (d.due_on - expires_on).days <= back_on]
    assert due is not None and [*(d.action for d in overtaken), due.action] == waiting
    again, nothing = charge_due(expires_on, policy, expires_on + timedelta(back_on), frozenset(waiting))
    assert again is None and nothing == ()


@given(expires_on=DAYS, hours=st.integers(0, 60))
def test_a_clock_that_steps_back_makes_nothing_due_again(expires_on, hours):
    today = expires_on + timedelta(4)
    _, done = run_on(expires_on, AURORA, [1, 4])
    back = today - timedelta(days=hours // 24)
    assert charge_due(expires_on, AURORA, back, frozenset(done)) == (None, ())


@given(expires_on=DAYS, policy=POLICIES)
def test_tellings_come_in_order_and_each_has_its_own_name(expires_on, policy):
    span = window(expires_on, policy)
    told = tellings(expires_on, span.last, policy)
    assert [due.due_on for due in told] == sorted(due.due_on for due in told)
    assert len({due.action for due in told}) == len(told)
    assert told[-1].action == "lapsed:+31" and told[-1].due_on == span.last + timedelta(1)
    for due in told:
        assert (due.due_on - expires_on).days == int(due.action.split(":")[1])


@given(expires_on=DAYS, late=st.integers(0, 60))
def test_a_telling_is_sent_late_while_it_helps_and_never_when_it_is_wrong(expires_on, late):
    """civicrm#26535, pretix#1106: told "about to expire" when it was not, or nothing when it was."""
    span = window(expires_on, AURORA)
    for due in tellings(expires_on, span.last, AURORA):
        today = due.due_on + timedelta(late)
        status = standing(TermFacts(expires_on, span.last), today).status
        useful = still_useful(due, status, today, span.last) is None
        if due.action.startswith("lapsed"):
            assert useful == (today > span.last)
        elif due.action.startswith("reminder:-"):
            assert useful == (today <= expires_on)
        else:
            assert useful == (expires_on < today <= span.last)
        assert still_useful(due, Status.CANCELLED, today, span.last) == "cancelled"
        if not due.action.startswith("reminder:-"):
            assert still_useful(due, Status.ACTIVE, today, span.last) is not None, "renewed meanwhile"
