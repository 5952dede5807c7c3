"""Invoices: one for each payment, numbered without a gap, frozen, downloadable for ever (domain.md S38 to S41)."""

import io
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from tenure.billing.actions import store_pdf
from tenure.billing.documents import sha256
from tenure.billing.queries import get, view_of, visible_to
from tenure.enrolment import actions as enrolment
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.partners import actions as partners
from tenure.payments.models import Refund
from tenure.support import actions as support
from tests.worlds import Method


@pytest.fixture
def pack(world):
    world.go("2018-06-22")
    world.buy_by_card(auto_renew=False)
    return world.holding().subscription


def text_of(number: str) -> str:
    content = bytes(get(number).pdf.file.content)
    return " ".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(content)).pages)


def kept(invoice) -> tuple[bytes, bytes]:
    """The stored page and the stored data, each of them what its fingerprint says."""
    files = get(invoice.number).pdf.file, get(invoice.number).pdf.xml
    assert all(file.sha256 == sha256(bytes(file.content)) for file in files)
    page, data = (bytes(file.content) for file in files)
    return page, data


def exempt(world, valid_from: str, valid_to: str):
    return partners.grant_exemption(
        world.actor(world.fin),
        world.contoso,
        certificate="EX-77",
        valid_from=date.fromisoformat(valid_from),
        valid_to=date.fromisoformat(valid_to),
        now=world.now,
    )


def test_s38_the_pdf_says_number_seller_buyer_id_net_tax_and_total(world, pack):
    """Bo finds it, a colleague without the right and a user of another company do not."""
    world.work()
    invoice = world.invoices()[0]
    assert (invoice.net, invoice.tax, invoice.total) == tuple(Money(n, "TWD") for n in (15_000, 750, 15_750))
    text = text_of(invoice.number)
    for said in (
        invoice.number,
        "Aurora Systems",
        "Contoso Taiwan Ltd",
        world.contoso.number,
        "15,000",
        "750",
        "15,750",
    ):
        assert said in text, said
    fabrik = world.company("Fabrik Ltd", "fabrik.example", "Fay Huang")
    fay = world.person("fay@fabrik.example")
    seen = {user.name: visible_to(world.actor(user)).count() for user in (world.bo, world.ming, world.sal, fay)}
    assert seen == {"Bo Wu": 1, "Ming Chen": 1, "Sal Hsu": 0, "Fay Huang": 0}
    assert not world.invoices(fabrik)


def test_s39_three_years_give_three_invoices_that_stay_after_the_lapse(world, pack):
    """Listed newest first, each with the bytes it was made with."""
    for day in ("2019-06-25", "2020-06-30"):
        world.go(day)
        world.pay(world.renew(pack, auto_renew=False))
    world.work()
    hashes = {row.number: get(row.number).pdf.file.sha256 for row in world.invoices()}
    world.wake("2021-08-01")
    assert world.status(pack) == "lapsed"
    assert [row.number for row in world.invoices()] == ["INV-2020-00001", "INV-2019-00001", "INV-2018-00001"]
    for number, sha in hashes.items():
        file = store_pdf(get(number), world.now)
        assert file.sha256 == sha == sha256(bytes(file.content)), "made once, served for ever (I-21)"
    periods = [view_of(row).lines[0].period for row in reversed(world.invoices())]
    assert [str(span.last) for span in periods] == ["2019-06-22", "2020-06-22", "2021-06-22"]


def test_s40_a_tax_number_entered_later_stands_on_later_invoices_only(world, pack):
    """I-24: the buyer is frozen with the document; a change of the profile alters nothing that was issued."""
    world.work()
    before, structured = kept(world.invoices()[0])
    assert b"Contoso Taiwan Ltd" in structured and b"TW04595257" in structured
    company = enrolment.company_of(world.contoso)
    enrolment.change_company(
        world.actor(world.ann),
        world.contoso,
        company=replace(company, tax_id="12345675", billing_name="Contoso Accounts"),
        now=world.now,
    )
    world.contoso.refresh_from_db()
    world.go("2019-06-25")
    world.pay(world.renew(pack))
    world.work()
    new, old = (view_of(row).buyer for row in world.invoices())
    assert (new.tax_id, new.name) == ("12345675", "Contoso Accounts")
    assert (old.tax_id, old.name) == ("04595257", "Contoso Taiwan Ltd")
    assert kept(world.invoices()[1]) == (before, structured)
    assert b"TW12345675" in kept(world.invoices()[0])[1]


def test_what_is_stored_stays_whatever_changes_later(world, pack):
    """I-21, I-24: another buyer's name, another seller, another tax: page and data are the bytes they were."""
    world.work()
    number = world.invoices()[0].number
    before = [(bytes(file.content), file.sha256) for file in (get(number).pdf.file, get(number).pdf.xml)]
    company = replace(enrolment.company_of(world.contoso), billing_name="Contoso Accounts")
    enrolment.change_company(world.actor(world.ann), world.contoso, company=company, now=world.now)
    world.apply(
        ('name = { en = "Aurora Systems Co., Ltd."', 'name = { en = "Borealis Co., Ltd."'),
        ('"營業稅" }, percent = 5', '"營業稅" }, percent = 6'),
    )
    world.wake("2018-09-01")
    store_pdf(get(number), world.now)
    after = [(bytes(file.content), file.sha256) for file in (get(number).pdf.file, get(number).pdf.xml)]
    assert after == before
    assert b"Aurora Systems Co., Ltd." in after[1][0] and b'<ram:TaxTotalAmount currencyID="TWD">750<' in after[1][0]
    world.go("2019-06-25")
    world.contoso.refresh_from_db()
    world.pay(world.renew(pack))
    world.work()
    later = bytes(get(world.invoices()[0].number).pdf.xml.content)
    assert b"Borealis" in later and b"Contoso Accounts" in later and b">900<" in later


def test_s41_exempt_a_renewal_totals_15000(world, pack):
    """With a certificate valid on the day a renewal costs TWD 15,000, and the invoice says that it is exempt."""
    world.go("2019-06-25")
    exempt(world, "2019-01-01", "2019-12-31")
    assert str(world.tile().quote.total) == "NT$15,000"
    order = world.pay(world.renew(pack))
    assert (order.total_minor, order.tax_minor, order.tax_category) == (15_000, 0, "E")
    world.work()
    assert "15,750" not in text_of(world.invoices()[0].number)
    assert "Exempt from tax." in text_of(world.invoices()[0].number)
    assert b"<ram:ExemptionReason>Exempt from tax.</ram:ExemptionReason>" in kept(world.invoices()[0])[1]


def test_s41_outside_its_dates_a_certificate_frees_nothing(world, pack):
    exempt(world, "2019-01-01", "2019-06-24")
    world.go("2019-06-24")
    assert str(world.tile().quote.total) == "NT$15,000"
    world.go("2019-06-25")
    assert world.pay(world.renew(pack)).total_minor == 15_750


def ask_for_tax(world, subscription):
    return support.open_request(
        world.actor(world.ming),
        world.contoso,
        problem_type="cannot-manage-profile",
        subject="Tax exemption",
        description="The certificate is attached.",
        subscription=subscription,
        now=world.now,
    )


def test_s41_granted_after_paying_15750_the_750_can_be_refunded_within_a_year(world, pack):
    """The correction leaves the net as it was; a second time it is refused; the membership goes on."""
    world.go("2019-03-01")
    request = ask_for_tax(world, pack)
    with pytest.raises(Refusal, match="not_exempt"):
        support.refund_tax(world.actor(world.fin), request, now=world.now)
    exempt(world, "2018-06-01", "2019-12-31")
    support.refund_tax(world.actor(world.fin), request, now=world.now)
    refund = Refund.objects.get()
    assert (refund.kind, refund.amount_minor, refund.status) == ("tax", 750, "succeeded")
    note = world.invoices()[0]
    assert (note.kind, note.net.minor, note.tax.minor, note.total.minor) == ("credit_note", 0, -750, -750)
    assert world.status(pack) == "active"
    with pytest.raises(Refusal, match="already_refunded"):
        support.refund_tax(world.actor(world.fin), ask_for_tax(world, pack), now=world.now)
    world.work()
    assert note.number in text_of(note.number)


def test_a_tax_refund_above_the_limit_needs_two_people(world):
    """The tax of gold is 7,500; with a limit of 5,000 one person alone gives nothing back (I-48)."""
    world.new_policy(2, "2018-06-20", TWD="5,000")
    world.qualify("gold-cloud")
    world.buy_by_card(offer="gold-cloud")
    exempt(world, "2018-01-01", "2019-12-31")
    request = ask_for_tax(world, world.holding("gold-cloud").subscription)
    support.refund_tax(world.actor(world.fin), request, now=world.now)
    assert not Refund.objects.exists()
    with pytest.raises(Refusal, match="second_approver_needed"):
        support.refund_tax(world.actor(world.fin), request, now=world.now)
    support.refund_tax(world.actor(world.oda), request, now=world.now)
    assert Refund.objects.get().amount_minor == 7_500


def test_s41_a_year_and_a_day_later_it_cannot(world, pack):
    exempt(world, "2018-06-01", "2019-12-31")
    world.go("2019-06-22")
    request = ask_for_tax(world, pack)
    world.go("2019-06-23")
    with pytest.raises(Refusal, match=r"refund\.too_late"):
        support.refund_tax(world.actor(world.fin), request, now=world.now)


def test_s41_a_certificate_that_had_run_out_before_the_payment_gives_nothing_back(world, pack):
    exempt(world, "2015-01-01", "2015-12-31")
    with pytest.raises(Refusal, match="not_exempt"):
        support.refund_tax(world.actor(world.fin), ask_for_tax(world, pack), now=world.now)


def test_the_numbers_start_again_with_the_year_of_the_issuer(world):
    """I-23: at 23:59 on 31 December and at 00:00 on 1 January, in Taipei."""
    world.go("2018-12-31 23:59:00")
    world.buy_by_card()
    world.go("2019-01-01 00:00:00")
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    assert [(row.number, str(row.issued_on)) for row in world.invoices()] == [
        ("INV-2019-00001", "2019-01-01"),
        ("INV-2018-00001", "2018-12-31"),
    ]


def test_a_failed_payment_consumes_no_number(world):
    """gocommerce#46: the number is drawn when the money is there."""
    world.pay(world.buy(), "declined")
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    assert [row.number for row in world.invoices()] == ["INV-2018-00001"]


def test_before_the_payment_there_is_no_invoice(world):
    """Decision 8: an order by transfer has none until it is paid."""
    order = world.buy(method=Method.BANK_TRANSFER)
    world.work()
    assert not world.invoices()
    world.transfer(order, 15_750)
    assert [row.kind for row in world.invoices()] == ["invoice"]


def test_a_partner_abroad_pays_in_its_own_currency_and_tax(world):
    """A firm in Germany: EUR 440.00 and 19 %; nothing is converted."""
    kranich = world.company("Kranich GmbH", "kranich.example", "Klara Vogel", country="DE")
    klara = world.person("klara@kranich.example")
    order = world.pay(world.buy(klara, partner=kranich))
    assert (str(order.net), str(order.tax), str(order.total)) == ("€440.00", "€83.60", "€523.60")
    assert world.invoices(kranich)[0].currency == "EUR"
