"""Which tax a buyer is charged: the seller's country, the buyer's, and a VAT number that can be right."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.enrolment.rules import check_company
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid
from tenure.kernel.text import Text
from tenure.offers.rules import quote, tax_on
from tenure.partners.rules import Company, taiwan_business_number_is_sound, tax_id_is_sound
from tenure.programme.reading import read
from tenure.programme.rules import Tax

AURORA = Path(__file__).resolve().parents[2] / "programmes" / "aurora.toml"


@pytest.fixture(scope="module")
def aurora():
    return read(AURORA.read_text("utf-8"))


def sold_from(programme, country):
    return replace(programme, seller=replace(programme.seller, country=country))


@pytest.mark.parametrize(
    ("seller", "buyer", "registered", "category", "rate_bp"),
    [
        ("TW", "TW", True, "S", 500),
        ("TW", "DE", True, "S", 1900),
        ("TW", "US", False, "G", 0),
        ("TW", "BR", False, "G", 0),
        ("DE", "DE", True, "S", 1900),
        ("DE", "FR", True, "AE", 0),
        ("DE", "FR", False, "S", 2000),
        ("DE", "GB", True, "S", 2000),
        ("DE", "TW", True, "S", 500),
    ],
)
def test_tax_by_seller_buyer_and_vat_number(aurora, seller, buyer, registered, category, rate_bp):
    tax = tax_on(sold_from(aurora, seller), buyer, vat_registered=registered)
    assert (tax.category, tax.rate_bp) == (category, rate_bp)


def test_reverse_charge_takes_the_tax_off_and_drops_the_countrys_own_note(aurora):
    noted = Tax("FR", Text("VAT", "加值稅"), 2000, "S", Text("Payable in France.", "於法國繳納。"))
    programme = replace(sold_from(aurora, "DE"), taxes=(*(tax for tax in aurora.taxes if tax.country != "FR"), noted))
    offer = programme.offer("action-pack")
    said = quote(programme, offer, "FR", date(2019, 7, 1), vat_registered=True)
    assert (said.taxed.tax.minor, said.total, said.tax.category, said.tax.note) == (0, said.taxed.net, "AE", None)
    taxed = quote(programme, offer, "FR", date(2019, 7, 1))
    assert taxed.total == taxed.taxed.net + taxed.taxed.net.share(2000)


def test_an_exemption_frees_whatever_the_category(aurora):
    said = quote(aurora, aurora.offer("action-pack"), "TW", date(2019, 7, 1), exempt=True)
    assert said.exempt and said.total == said.taxed.net == Money(15000, "TWD")


@pytest.mark.parametrize(
    ("country", "number", "sound"),
    [
        ("TW", "04595257", True),
        ("TW", "96530111", True),
        ("TW", "12345672", False),
        ("TW", "0459525", False),
        ("DE", "DE136695976", True),
        ("DE", "136695976", True),
        ("DE", "DE136695977", False),
        ("DE", "FR23334175221", False),
        ("FR", "FR23334175221", True),
        ("GB", "GB100200318", True),
        ("GB", "GB100200314", False),
        ("HK", "anything", True),
    ],
)
def test_tax_numbers_by_their_check_digits(country, number, sound):
    assert tax_id_is_sound(country, number) is sound


@given(st.integers(0, 99_999_999).map("{:08d}".format))
def test_of_ten_last_digits_two_are_right_and_four_where_the_seventh_is_seven(number):
    """The rule since 2023: any sum that 5 divides. The old one, 10, would pass half as many."""
    sound = sum(taiwan_business_number_is_sound(number[:7] + str(last)) for last in range(10))
    assert sound == (4 if number[6] == "7" else 2)


@pytest.mark.parametrize(
    ("country", "number", "code"),
    [("TW", "12345672", "company.business_number_wrong"), ("DE", "DE136695977", "company.tax_id_wrong")],
)
def test_a_company_with_a_wrong_number_is_told(country, number, code):
    company = Company("A", country, "1", "B", "1", "Ann", "ann@a.example", "+49 30 555 0100", tax_id=number)
    with pytest.raises(Invalid) as refused:
        check_company(company)
    assert refused.value.fields == {"tax_id": code}
    check_company(replace(company, tax_id=""))
