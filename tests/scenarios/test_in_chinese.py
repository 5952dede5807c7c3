"""The same year in 繁體中文: every letter and every document in the reader's language, one term per concept (S50)."""

import io
import re

import pytest
from pypdf import PdfReader

from tenure.billing.queries import get
from tenure.people.models import User
from tenure.plumbing.models import Mail
from tests.worlds import Method

# What stays in Latin letters on purpose: names, addresses, numbers, brands, currencies, references.
KEPT = re.compile(
    r"https?://\S+|[\w.+-]+@[\w.-]+|Contoso Taiwan Ltd|Ann Lin|Ming Chen|Bo Wu|Sal Hsu|Wei Lin|Visa|PDF"
    r"|NT\$|US\$|INV-\S+|CN-\S+|O-\d+-\d+|SR-\d+-\d+|RF\d\d(?: ?\d{4}){2,}(?: ?\d+)?|FMHBTWTP|EN 16931"
)
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,][A-Za-z]+)*")
# One term per concept: the machine-translated variants never appear (domain.md §1).
SHUNNED = (
    "行動寶盒",
    "動作套件",
    "動作組件",
    "更新視窗",
    "類型的問題",
    "偵察檔案",
    "偵查檔案",
    "用戶",
    "信息",
    "網絡",
    "優惠券",
)


@pytest.fixture
def year(world):
    """Everybody reads Chinese. A year with an upcoming renewal, a decline, a transfer, a lapse, a refund."""
    User.objects.update(language="zh-hant")
    world.contoso.language = "zh-hant"
    world.contoso.save()
    world.go("2018-06-22")
    world.buy_by_card("declines_later", language="zh-hant")
    world.wake("2018-06-22")
    world.wake("2019-06-07")
    world.wake("2019-06-23 00:04")
    world.go("2019-07-01")
    subscription = world.holding().subscription
    order = world.renew(subscription, method=Method.BANK_TRANSFER, language="zh-hant")
    world.work()
    world.transfer(order, 15_000)
    world.work()
    world.transfer(order, 750)
    world.work()
    world.qualify("silver-cloud")
    world.work()
    request = world.ask_to_cancel(world.holding().subscription)
    world.wake("2019-07-02")
    world.decide(request)
    world.work()
    world.buy(method=Method.BANK_TRANSFER, language="zh-hant")
    for day in ("2019-07-25", "2019-08-02"):
        world.wake(day)
    world.buy_by_card(auto_renew=False, language="zh-hant")
    for day in ("2020-07-20", "2020-08-03", "2020-08-25", "2020-08-31", "2020-09-02"):
        world.wake(day)
    return world


def english(text: str) -> list[str]:
    return ENGLISH.findall(KEPT.sub("", text))


def test_s50_every_letter_of_the_year_is_chinese_from_the_subject_to_the_name_below(year):
    letters = list(Mail.objects.filter(language="zh-hant", state="sent").order_by("pk"))
    codes = {letter.code for letter in letters}
    assert {
        "orders.paid",
        "orders.placed",
        "orders.expiring",
        "orders.expired",
        "payments.declined",
        "payments.refunded",
        "payments.transfer_short",
        "letter.reminder_before_auto",
        "letter.window_open",
        "letter.reminder_window",
        "letter.last_call",
        "letter.lapsed",
        "support.received",
        "support.closed",
        "competencies.qualified",
    } <= codes
    for letter in letters:
        for text in (letter.subject, letter.body):
            assert not english(text), (letter.code, english(text))
            assert not [word for word in SHUNNED if word in text], letter.code
            assert not re.search(r"[{}]|%\(", text), letter.code
            assert not re.search(r"[\u4e00-\u9fff][,;!?]", text), f"{letter.code}: half-width marks"
        assert re.search(r"[\u4e00-\u9fff]", letter.subject), letter.code


def test_s50_dates_and_amounts_are_written_as_they_are_read(year):
    paid = Mail.objects.filter(code="orders.paid", language="zh-hant").order_by("pk").first()
    assert "2019年6月22日" in paid.body and "NT$15,750" in paid.body and "行動套件" in paid.subject + paid.body


def test_s50_invoices_and_credit_notes_are_chinese_documents(year):
    """發票 and 折讓單 with the offer's Chinese name, the tax's, and dates as they are read."""
    for row in year.invoices():
        content = bytes(get(row.number).pdf.file.content)
        text = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(content)).pages)
        assert ("折讓" if row.kind == "credit_note" else "發票") in text
        for said in (row.number, "行動套件", "營業稅", f"{row.issued_on.year}年"):
            assert said in text, (row.number, said)
        assert not [word for word in ("Invoice", "Credit note", "Total", "Business tax", "Action Pack") if word in text]


def test_s50_and_english_is_complete_too(world):
    """The same purchase by an English reader holds no Chinese character."""
    world.go("2018-06-22")
    world.buy_by_card()
    world.work()
    letters = Mail.objects.filter(language="en", state="sent")
    assert letters.count() >= 5
    for letter in letters:
        assert not re.search(r"[\u4e00-\u9fff]", letter.subject + letter.body), letter.code
