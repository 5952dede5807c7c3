"""A bank's file taken in: what is sure goes to its order, what is not waits with its reason (domain.md §3.5)."""

from datetime import date

import pytest
from django.db import connection

from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.payments.models import Allocation, BankLine, OutgoingLine, StatementFile
from tenure.payments.rules import Method
from tenure.payments.statements.delimited import Mapping
from tenure.people.models import Colleague
from tenure.plumbing.models import Event, StoredFile, Task
from tenure.programme.queries import current
from tenure.purchases import importing, transfers
from tenure.purchases.actions import pay_again
from tenure.purchases.models import Order
from tests.worlds import CONTACT

pytestmark = pytest.mark.django_db

COLUMNS = Mapping(
    value_on="日期", amount="金額", text="備註", payer="付款人", payer_account="帳號", date_format="roc", bank_id="序號"
)


@pytest.fixture
def account(world):
    account = current().seller.bank_accounts["TWD"]
    importing.save_mapping(world.actor(world.fin), None, account=account, mapping=COLUMNS, now=world.now)
    return account


def take_in(world, account, *rows: tuple[int, str, str, str], name="june.csv") -> StatementFile:
    """A CSV as a Taiwanese bank writes it: dates of the Republic, Big5."""
    day = world.today
    lines = ["日期,序號,金額,備註,付款人,帳號"]
    for n, (minor, text, payer, other) in enumerate(rows):
        lines.append(f'{day.year - 1911}/{day:%m/%d},{name}-{n},"{minor:,}",{text},{payer},{other}')
    content = "\r\n".join(lines).encode("big5")
    given = {"content": content, "name": name, "account": account, "now": world.now}
    return importing.import_statement(world.actor(world.fin), None, **given)


def paid(order) -> bool:
    order.refresh_from_db()
    return order.paid_at is not None


def test_the_same_file_again_changes_nothing(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    rows = [(15750, f"年費 {order.reference}", "CONTOSO", "")]
    first = take_in(world, account, *rows)
    assert paid(order)
    before = Event.objects.count()
    assert take_in(world, account, *rows) == first
    assert Event.objects.count() == before
    assert BankLine.objects.get().rule == "reference"


def test_a_line_that_two_files_tell_of_counts_once(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    fee = (15750, order.reference, "CONTOSO", "")
    take_in(world, account, fee)
    again = importing.import_statement(
        world.actor(world.fin), None, name="longer.csv", account=account, now=world.now,
        content=(f"日期,序號,金額,備註,付款人,帳號\n{world.today.year - 1911}/{world.today:%m/%d},june.csv-0,15750,"
                 f"{order.reference},CONTOSO,\n107/06/01,x-1,900,rent,SOMEBODY,\n").encode(),
    )  # fmt: skip
    assert (again.known, again.lines.count(), BankLine.objects.count()) == (1, 1, 2)


def test_a_payment_by_name_and_amount_says_so_and_the_next_like_it_is_left_to_a_person(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    name = order.partner.legal_name
    take_in(world, account, (15750, "年費", name, ""), (15750, "年費", name, ""))
    first, second = BankLine.objects.order_by("pk")
    assert paid(order)
    assert (first.rule, first.reasons) == ("name", ["payer", "amount"])
    assert (second.rule, second.allocations.count()) == ("", 0)


def test_paid_twice_by_reference_the_second_is_held(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    take_in(world, account, (15750, order.reference, "CONTOSO", ""), (15750, order.reference, "CONTOSO", ""))
    assert paid(order)
    assert [row.order_id for row in Allocation.objects.order_by("pk")] == [order.pk, None]


def test_a_copied_reference_from_an_account_known_as_anothers_pays_nobody(world, account):
    mine = world.buy(method=Method.BANK_TRANSFER)
    take_in(world, account, (15750, mine.reference, "CONTOSO", "77-001"))
    world.go("2018-06-30")
    other = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    fay = other_person(other)
    theirs = world.buy(fay, partner=other, method=Method.BANK_TRANSFER)
    take_in(world, account, (15750, theirs.reference, "", "77-001"), name="july.csv")
    line = BankLine.objects.latest("pk")
    assert not paid(theirs)
    assert line.likely_order_id == theirs.pk and "account_of_another" in line.reasons


def other_person(partner):
    return Colleague.objects.filter(partner_id=partner.pk).select_related("user").first().user


def test_a_line_entered_by_hand_is_not_matched_a_second_time_from_the_file(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    transfers.record_transfer(
        world.actor(world.fin), None, line_key="by hand", account=account, value_on=world.today,
        amount=Money(15750, "TWD"), reference=order.reference, payer="CONTOSO", now=world.now,
    )  # fmt: skip
    take_in(world, account, (15750, order.reference, "CONTOSO", ""))
    line = BankLine.objects.latest("pk")
    assert "entered_before" in line.reasons and line.allocations.count() == 0


def test_a_line_that_cannot_be_read_is_told_of_and_the_rest_goes_on(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    content = f"日期,序號,金額,備註,付款人,帳號\n107/13/40,1,5,x,y,\n107/06/22,2,15750,{order.reference},C,\n".encode()
    file = importing.import_statement(
        world.actor(world.fin), None, content=content, name="a.csv", account=account, now=world.now
    )
    assert file.faults == [{"line": 2, "reason": "no_date", "detail": "107/13/40"}]
    assert paid(order)


def test_a_file_of_an_unknown_account_enters_nothing(world):
    with pytest.raises(Refusal) as refused:
        importing.import_statement(
            world.actor(world.fin), None, name="x.sta", now=world.now,
            content=b":20:X\n:25:999999999999\n:28C:1\n:60F:C180622EUR0,00\n:61:1806220622C5,00NTRFNONREF\n:86:x\n",
        )  # fmt: skip
    assert refused.value.code == "statements.account_unknown"
    assert not StatementFile.objects.exists() and not BankLine.objects.exists()


def test_what_a_crash_left_matched_is_given_by_the_next_tick(world, account, monkeypatch):
    order = world.buy(method=Method.BANK_TRANSFER)
    monkeypatch.setattr(importing, "give_lines", lambda *a, **k: 0)
    take_in(world, account, (15750, order.reference, "CONTOSO", ""))
    assert not paid(order)
    monkeypatch.undo()
    assert importing.finish_statements(world.now) == 1
    assert paid(order)
    assert importing.finish_statements(world.now) == 0


def test_a_line_that_somebody_else_has_given_meanwhile_keeps_its_reasons(world, account, monkeypatch):
    """Two workers saw the same line waiting: the second finds it given and says nothing against it."""
    order = world.buy(method=Method.BANK_TRANSFER)
    take_in(world, account, (15750, order.reference, "CONTOSO", ""))
    line = BankLine.objects.get()
    monkeypatch.setattr(importing, "lines_to_give", lambda file: [line])
    importing.finish_statements(world.now)
    assert BankLine.objects.values("rule", "reasons").get() == {"rule": line.rule, "reasons": line.reasons}
    assert line.rule == "reference" and Allocation.objects.count() == 1


def test_money_that_went_out_is_kept_with_its_reason_and_moves_nothing(world, account):
    take_in(world, account, (-900, "rent", "LANDLORD", ""))
    assert (OutgoingLine.objects.get().reason, BankLine.objects.count()) == ("not_ours", 0)


@pytest.mark.parametrize(
    ("minor", "reason", "task"), [(-15_750, "refund", []), (-15_700, "other_amount", ["transfer_out"])]
)
def test_a_refund_is_seen_leaving_the_account_or_a_person_looks(world, account, minor, reason, task):
    order = world.buy(method=Method.BANK_TRANSFER)
    take_in(world, account, (15_750, order.reference, "CONTOSO", ""))
    world.decide(world.ask_to_cancel(world.holding().subscription))
    take_in(world, account, (minor, f"refund {order.number}", "CONTOSO", ""), name="july.csv")
    line = OutgoingLine.objects.get()
    assert (line.reason, line.refund and line.refund.payment.order_id) == (reason, None if task else order.pk)
    assert list(Task.objects.filter(kind__startswith="transfer").values_list("kind", flat=True)) == task


def test_ignoring_a_line_needs_a_reason_and_happens_once(world, account):
    take_in(world, account, (321, "interest", "BANK", ""))
    line, fin = BankLine.objects.get(), world.actor(world.fin)
    transfers.ignore_transfer(fin, line, reason="interest", now=world.now)
    for reason in ("", "again"):
        with pytest.raises(Refusal):
            transfers.ignore_transfer(fin, line, reason=reason, now=world.now)
    assert BankLine.objects.get().ignored_reason == "interest"


# Another way to pay, in place.


def test_a_transfer_becomes_a_card_order_and_keeps_its_number(world):
    order = world.buy(method=Method.BANK_TRANSFER)
    changed = transfers.change_method(world.actor(world.ming), order, method=Method.CARD, now=world.now)
    assert (changed.number, changed.method) == (order.number, "card")
    world.pay(pay_again(world.actor(world.ming), changed, now=world.now))
    assert paid(order) and Order.objects.count() == 1


def test_an_unfinished_card_order_becomes_a_transfer_and_its_page_is_dead(world, account):
    order = world.buy()
    changed = transfers.change_method(
        world.actor(world.ming), order, method=Method.BANK_TRANSFER, contact=CONTACT, now=world.now
    )
    assert changed.expires_on == date(2018, 7, 20) and not changed.auto_renew
    world.choose_card(order)
    world.work()
    assert not paid(order)
    take_in(world, account, (15750, order.reference, "CONTOSO", ""))
    assert paid(order)


def test_once_money_has_come_the_way_to_pay_stays(world, account):
    order = world.buy(method=Method.BANK_TRANSFER)
    take_in(world, account, (5000, order.reference, "CONTOSO", ""))
    with pytest.raises(Refusal) as refused:
        transfers.change_method(world.actor(world.ming), order, method=Method.CARD, now=world.now)
    assert refused.value.code == "orders.money_has_come"


def test_a_card_number_in_a_banks_file_is_nowhere_afterwards(world, account):
    """Someone wrote their card into the transfer: the money finds its order, the number is in no row and no file."""
    order = world.buy(method=Method.BANK_TRANSFER)
    told = f"4242 4242 4242 4242 {order.reference}"
    take_in(world, account, (15750, told, "CARD 5555555555554444", "4111111111111111"), name="378282246310005.csv")
    assert paid(order)
    line = BankLine.objects.get()
    assert "••••" in line.reference and order.reference in line.reference and line.payer_account == ""
    for digits in ("42424242", "4242 4242", "55555555", "41111111", "37828224"):
        assert digits not in everything_stored()


def everything_stored() -> str:
    """Every row of every table as text, and the bytes of every file kept."""
    found = [bytes(content).decode("latin-1") for content in StoredFile.objects.values_list("content", flat=True)]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT t::text FROM {connection.ops.quote_name(table)} t")
            found += [text for (text,) in cursor.fetchall()]
    return "\n".join(found)


def test_what_is_stored_is_really_searched(world, account):
    """The control: a number that may stand there is found."""
    take_in(world, account, (15750, "4242 4242 4242 4241", "X", ""))
    assert "4242 4242 4242 4241" in everything_stored()
