"""The PDF says what the view says, in both languages, in a form that archives and screen readers accept."""

import io
import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import page
import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from tenure.billing import documents
from tenure.billing.rules import Bank, InvoiceLine, InvoiceView, Kind, Party, Payment, credit_of, tax_correction
from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.periods import Span
from tenure.plumbing import pdf

LANGUAGES = ("en", "zh-hant")
NAMES = {"en": "Contoso Digital Co., Ltd", "zh-hant": "康拓數位股份有限公司"}
OFFERS = {"en": "Action Pack", "zh-hant": "行動套件"}
TAXES = {"en": "Business tax", "zh-hant": "營業稅"}


def invoice(language="en", lines=1, **changes):
    price = TaxedPrice.of(Money(15000, "TWD"), 500)
    facts = {
        "kind": Kind.INVOICE,
        "number": "INV-2019-00417",
        "issued_on": date(2019, 7, 10),
        "language": language,
        "seller": Party("Aurora Systems Ltd", ("12F, No. 100, Songren Road",), "TW", "24536806"),
        "bank": Bank("E.SUN Bank", "0048-940-012345", "ESUNTWTP"),
        "buyer": Party(NAMES[language], ("No. 219, Nanjing East Road",), "TW", "12345675", "1234566"),
        "tax_name": TAXES[language],
        "order_number": "ORD-2019-00952",
        "payment": Payment("card", paid_on=date(2019, 7, 10), instrument="Visa 4242"),
    }
    line = InvoiceLine.of(OFFERS[language], Span(date(2019, 6, 23), date(2020, 6, 22)), price, "S")
    return InvoiceView.of(lines=[line] * lines, currency="TWD", **facts | changes)


def pro_forma(language="en"):
    payment = Payment("bank_transfer", pay_by=date(2019, 7, 31), reference="RF18539007547034")
    return invoice(language, kind=Kind.PRO_FORMA, number="", payment=payment)


def named(name):
    return invoice(buyer=replace(invoice().buyer, name=name))


def text_of(content):
    return "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(content)).pages)


def read(view):
    return text_of(documents.render(view))


def complaints(content, profile):
    """What the validator finds, less its one false alarm: compressed data that happens to end in a
    carriage return is taken for the line end before ``endstream``. The reader below counts for itself."""
    found = [failure.rule_id for failure in page.validate_pdf_bytes(content, profile=profile).failures]
    if b"\r\nendstream" in content:
        with pikepdf.open(io.BytesIO(content)) as opened:
            assert opened.check_pdf_syntax() == []
        found = [rule for rule in found if "STREAM-LENGTH" not in rule]
    return found


def documents_in(language):
    view = invoice(language)
    return {
        "invoice": view,
        "two pages": invoice(language, lines=20),
        "pro-forma": pro_forma(language),
        "credit note": credit_of(view, "CN-2019-00012", date(2019, 7, 20)),
        "correction": tax_correction(view, "CN-2019-00013", date(2019, 9, 2)),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("profile", ["3a", "ua1"])
def test_every_kind_may_be_archived_and_read_aloud(language, profile):
    for name, view in documents_in(language).items():
        assert complaints(documents.render(view), profile) == [], name


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "Invoice number INV-2019-00417|10 July 2019|ORD-2019-00952|Aurora Systems Ltd|Contoso Digital Co., Ltd|"
                "Business number 12345675|Partner ID 1234566|Action Pack|23 June 2019 to 22 June 2020|"
                "Net amount NT$15,000|Business tax 5% NT$750|Total NT$15,750|Credit card (Visa 4242)|Page 1 of 1"
            ),
        ),
        (
            "zh-hant",
            (
                "發票號碼 INV-2019-00417|2019年7月10日|ORD-2019-00952|康拓數位股份有限公司|統一編號 12345675|"
                "合作夥伴識別碼 1234566|行動套件|2019年6月23日至2020年6月22日|未稅金額 NT$15,000|營業稅 5% NT$750|"
                "總計 NT$15,750|信用卡（Visa 4242）|臺灣|第 1 頁，共 1 頁"
            ),
        ),
    ],
)
def test_an_invoice_says_everything_in_the_readers_language(language, words):
    said = read(invoice(language))
    assert [word for word in words.split("|") if word not in said] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Pro-forma invoice|to pay by 31 July 2019|E.SUN Bank|0048-940-012345|ESUNTWTP|not a tax invoice"),
        ("zh-hant", "形式發票|2019年7月31日前應付 NT$15,750|付款期限 2019年7月31日|帳號 0048-940-012345|並非發票"),
    ],
)
def test_a_pro_forma_says_how_to_pay_and_has_no_number(language, words):
    said = read(pro_forma(language))
    assert [word for word in words.split("|") if word not in said] == []
    assert "RF18 5390 0754 7034" in said
    assert "INV-" not in said


@pytest.mark.parametrize(("language", "amends"), [("en", "Amends invoice"), ("zh-hant", "原發票號碼")])
def test_a_credit_note_shows_the_negatives_and_the_invoice_it_amends(language, amends):
    said = read(credit_of(invoice(language), "CN-2019-00012", date(2019, 7, 20)))
    assert f"{amends} INV-2019-00417" in said
    assert [amount for amount in ("-NT$15,000", "-NT$750", "-NT$15,750") if amount not in said] == []


def test_a_correction_tells_what_each_tax_is_taken_from():
    said = read(tax_correction(invoice(), "CN-2019-00013", date(2019, 9, 2)))
    assert "Business tax 5% on -NT$15,000 -NT$750" in said
    assert "Business tax, exempt on NT$15,000 NT$0" in said


def test_a_second_page_repeats_the_head_of_the_table():
    sheets = PdfReader(io.BytesIO(documents.render(invoice(lines=20)))).pages
    said = [sheet.extract_text() for sheet in sheets]
    assert len(said) == 2
    assert all("Description Net amount Tax rate Tax Total" in text for text in said)
    assert "Invoice INV-2019-00417" in said[1]
    assert "Page 2 of 2" in said[1]


def test_the_same_view_gives_the_same_bytes_in_any_thread():
    view, drawn = invoice("zh-hant"), []
    threads = [threading.Thread(target=lambda: drawn.append(documents.render(view))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {documents.sha256(content) for content in drawn} == {documents.sha256(documents.render(view))}
    assert documents.render(replace(view, number="INV-2019-00418")) != drawn[0]


@pytest.mark.parametrize("name", ["*b* $x$ #panic() <script>", r"= \u{41} _a_ `b` @c // d /* e", '"; #import "x'])
def test_a_name_that_looks_like_markup_stays_a_name(name):
    assert name in read(named(name))


@pytest.mark.parametrize("name", ["𠮷田商店", "한국 주식회사", "们有限公司"])
def test_names_of_the_neighbours_are_printed(name):
    assert name in read(named(name))


def test_a_character_without_a_glyph_becomes_a_geta_mark_and_is_reported():
    drawn = pdf.compile(documents.TEMPLATE, documents.page(named("王𠀀明🎉 Ltd")), datetime(2019, 7, 10, tzinfo=UTC))
    assert drawn.substituted == ("𠀀", "🎉")
    assert "王〓明〓 Ltd" in text_of(drawn.content)


def test_a_long_word_stays_within_its_column():
    said = read(named("W" * 200))
    assert "W" * 200 in said.replace("\n", "")
    assert "W" * 60 not in said


@given(st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_nobody_is_refused_an_invoice_over_a_name(name):
    assert documents.render(named(name)).startswith(b"%PDF")


def test_what_only_the_compiler_finds_missing_is_substituted_too(monkeypatch):
    """The fonts' tables may promise a glyph that the compiler does not find: then it says so, and is believed."""

    class Everything:
        def __contains__(self, code):
            return True

    monkeypatch.setattr(pdf, "_characters", Everything)
    drawn = pdf.compile(documents.TEMPLATE, documents.page(named("王𠀀明🎉 Ltd")), datetime(2019, 7, 10, tzinfo=UTC))
    assert set(drawn.substituted) == {"𠀀", "🎉"}
    assert "王〓明〓 Ltd" in text_of(drawn.content)
