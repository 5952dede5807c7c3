"""The ledger's entries: every cause balances in itself, so any order of any causes balances too."""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tenure.billing.ledger import Account, Entry, credited, invoiced, move
from tenure.billing.rules import InvoiceLine, InvoiceView, Kind, Party, Payment, credit_of, tax_correction
from tenure.kernel.money import Money, TaxedPrice

CURRENCIES = st.sampled_from(["TWD", "USD", "JPY"])
PRICES = st.builds(
    lambda minor, currency, rate: TaxedPrice.of(Money(minor, currency), rate),
    st.integers(1, 10**10),
    CURRENCIES,
    st.integers(0, 3000),
)
MOVES = st.builds(
    lambda minor, currency, to, out_of: move(Money(minor, currency), to, out_of),
    st.integers(0, 10**10),
    CURRENCIES,
    st.sampled_from(list(Account)),
    st.sampled_from(list(Account)),
)
CAUSES = st.one_of(MOVES, PRICES.map(invoiced), PRICES.map(lambda p: credited(-p.net, -p.tax, -p.total)))


def balances(entries: list[Entry]) -> Counter:
    found = Counter()
    for entry in entries:
        found[entry.account, entry.amount.currency] += entry.amount.minor
    return found


def sums(entries: list[Entry]) -> dict[str, int]:
    found = Counter()
    for entry in entries:
        found[entry.amount.currency] += entry.amount.minor
    return dict(found)


def invoice(price: TaxedPrice) -> InvoiceView:
    seller = Party("Aurora Systems", ("8F, Chengxi Road",), "TW", "96530111")
    buyer = Party("Contoso Taiwan Ltd", ("7 Xinyi Road",), "TW", "04595257", "1234566")
    return InvoiceView.of(
        kind=Kind.INVOICE,
        number="INV-2019-00001",
        issued_on=date(2019, 7, 10),
        language="en",
        seller=seller,
        bank=None,
        buyer=buyer,
        lines=[InvoiceLine.of("Action Pack", None, price, "S")],
        currency=price.net.currency,
        tax_name="Business tax",
        order_number="O-2019-000001",
        payment=Payment("card", paid_on=date(2019, 7, 10)),
    )


@given(cause=CAUSES)
def test_what_one_cause_writes_sums_to_zero_and_holds_no_empty_entry(cause):
    assert set(sums(cause).values()) <= {0}
    assert all(entry.amount for entry in cause)
    assert len(cause) != 1


@given(causes=st.lists(CAUSES, max_size=12), shuffle=st.randoms())
def test_balances_do_not_depend_on_the_order_of_the_causes(causes, shuffle):
    entries = [entry for cause in causes for entry in cause]
    shuffled = list(entries)
    shuffle.shuffle(shuffled)
    assert balances(entries) == balances(shuffled)
    assert set(sums(entries).values()) <= {0}, "the trial balance"


@given(price=PRICES)
def test_a_credit_note_restores_every_balance_its_invoice_moved(price):
    view = invoice(price)
    note = credit_of(view, "CN-2019-00001", date(2019, 7, 20))
    both = invoiced(price) + credited(note.net, note.tax, note.total)
    assert set(balances(both).values()) <= {0}


@given(price=PRICES)
def test_a_tax_correction_leaves_the_net_and_takes_back_exactly_the_tax(price):
    note = tax_correction(invoice(price), "CN-2019-00001", date(2019, 7, 20))
    assert (note.net.minor, note.tax, note.total) == (0, -price.tax, -price.tax)
    left = balances(invoiced(price) + credited(note.net, note.tax, note.total))
    currency = price.net.currency
    assert left[Account.TAX, currency] == 0
    assert left[Account.RECEIVABLE, currency] == price.net.minor == -left[Account.DEFERRED_REVENUE, currency]


@given(price=PRICES, source=st.sampled_from([Account.GATEWAY_CLEARING, Account.HELD]))
def test_a_sale_that_is_paid_leaves_nothing_owed(price, source):
    entries = invoiced(price) + move(price.total, source, Account.RECEIVABLE)
    assert balances(entries)[Account.RECEIVABLE, price.net.currency] == 0


@given(amount=st.builds(Money, st.integers(1, 10**10), CURRENCIES), there=st.sampled_from(list(Account)))
def test_money_moved_there_and_back_has_not_moved(amount, there):
    both = move(amount, there, Account.SUSPENSE) + move(amount, Account.SUSPENSE, there)
    assert set(balances(both).values()) <= {0}
