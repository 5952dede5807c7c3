"""The words promise: every refusal has a sentence in both languages, every date and amount is written its way."""

import ast
import importlib.util
import os
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import django
import pytest
from django.conf import settings
from django.utils import translation

from tenure.kernel.money import Money
from tenure.kernel.refusals import Check, Invalid, Refusal
from tenure.kernel.text import Text
from tenure.web.shared import forms, language, messages, statuses

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tenure"

if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
    settings.configure(USE_I18N=True, USE_TZ=True, TIME_ZONE="Asia/Taipei", LOCALE_PATHS=[str(SOURCE / "locale")])
    django.setup()


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("words_tool", ROOT / "tools" / "words.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def compiled():
    tool().compile_catalogue()


def said(spoken: str, code: str, **facts) -> str:
    with translation.override(spoken):
        return messages.say(code, facts)


FACTS = {
    "helpers": ["Ann Lin", "Ming Chen"],
    "offer": Text("Action Pack", "行動套件"),
    "missing": [Text("Certified professionals", "認證專業人員"), Text("References", "客戶實績")],
    "number": "O-2019-000418",
    "before": Money(1_575_000, "TWD"),
    "after": Money(1_600_000, "TWD"),
    "reason": "insufficient_funds",
    "limit": 200,
    "expires_on": date(2019, 6, 22),
    "opens_on": date(2019, 6, 23),
    "closes_on": date(2019, 7, 22),
    "last_day": date(2019, 7, 25),
    "day": date(2019, 7, 1),
}


def codes_in_source() -> set[str]:
    """Every literal code that a Refusal, a Check or an Invalid carries anywhere in the product."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if name in ("Refusal", "Check") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
            if name == "Invalid" and isinstance(first, ast.Dict):
                found |= {v.value for v in first.values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    return {code for code in found if "." in code and code not in ("a.b", "c.d")}


def test_every_code_in_the_product_has_words():
    assert codes_in_source() - messages.MESSAGES.keys() == set()


def test_the_catalogue_is_complete_and_free_of_shunned_wordings():
    words = tool()
    assert list(words.faults(words.load())) == []


@pytest.mark.parametrize("code", sorted(messages.MESSAGES))
def test_a_refusal_speaks_both_languages_with_and_without_its_facts(code):
    for facts in ({}, FACTS):
        english, chinese = said("en", code, **facts), said("zh-hant", code, **facts)
        assert english != chinese
        assert "%(" not in english + chinese
        assert not {"!", "please", "successfully", "sorry"} & set(english.lower().replace(".", " ").split())
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese)


@pytest.mark.parametrize("code", sorted(statuses.STATUSES))
def test_a_status_has_a_word_in_both_languages(code):
    with translation.override("en"):
        english = statuses.status_of(code)
    with translation.override("zh-hant"):
        assert statuses.status_of(code)[0] != english[0]


def test_the_window_explains_itself():
    facts = {"opens_on": date(2019, 6, 23)}
    assert said("en", "renewals.window_not_open", **facts) == (
        "You can't renew yet. Renewal opens on 23 June 2019, the day after expiry."
    )
    chinese = "目前還不能續約。續約自到期次日 2019年6月23日起開放。"
    assert said("zh-hant", "renewals.window_not_open", **facts) == chinese


def test_helpers_are_named_as_alternatives_with_spaces_where_latin_meets_chinese():
    assert said("en", "access.forbidden", helpers=["Ann Lin", "Ming Chen"]).endswith("Ann Lin or Ming Chen can do it.")
    assert said("zh-hant", "access.forbidden", helpers=["Ann Lin"]).endswith("Ann Lin 可以協助。")
    assert said("zh-hant", "access.forbidden", helpers=["林安", "陳明"]).endswith("林安或陳明可以協助。")


def test_an_unknown_code_still_says_something_true():
    assert said("en", "nobody.knows") == str(messages.GENERAL)


def test_a_check_that_holds_says_so():
    with translation.override("en"):
        assert messages.why(Check("offers.not_verified", True)) == "Your company is verified."
        assert "isn't finished" in messages.why(Check("offers.not_verified", False))


def test_a_moment_is_told_in_the_zone_asked_for():
    night = datetime(2019, 6, 22, 16, 0, tzinfo=UTC)
    assert language.say_moment(night, "en", "Asia/Taipei") == "23 June 2019, 00:00"
    assert language.say_moment(night, "zh-hant", "Europe/Oslo") == "2019年6月22日 18:00"


class Upload:
    def __init__(self, content: bytes, name: str = "slip.pdf", size: int | None = None):
        self.content, self.name, self.size = content, name, len(content) if size is None else size

    def read(self) -> bytes:
        return self.content


def refused(call) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        call()
    return caught.value.fields


def test_a_form_tells_all_its_faults_at_once():
    reading = forms.Reading({"name": " ", "phone": "02\x00", "note": "x" * 300, "on": "2019-02-29"}, {})
    reading.text("name", missing="contact.name_missing")
    reading.text("phone")
    reading.text("note", limit=200)
    reading.day("on")
    reading.file("proof")
    assert refused(reading.check) == {
        "name": "contact.name_missing",
        "phone": "text.control_characters",
        "note": "text.too_long",
        "on": "date.impossible",
        "proof": "file.missing",
    }


def test_the_words_beside_a_field_know_the_fields_own_facts():
    reading = forms.Reading({"note": "x" * 300})
    reading.text("note", limit=200)
    with pytest.raises(Invalid) as caught, translation.override("en"):
        reading.check()
    with translation.override("en"):
        assert messages.field_errors(caught.value) == {"note": "Shorten this to 200 characters or fewer."}


@pytest.mark.parametrize(
    "text",
    ["4242424242424242", "card: 4242 4242 4242 4242", "３７８２－８２２４６３－１０００５", "5555-5555-5555-4444."],
)
def test_a_card_number_is_refused_wherever_it_is_typed(text):
    reading = forms.Reading({"note": text})
    assert reading.text("note") == ""
    assert refused(reading.check) == {"note": "card.number_not_accepted"}


@pytest.mark.parametrize("text", ["RF18 5390 0754 7034", "02 2712 3456", "統一編號 04595257", "2019-07-22 13:45"])
def test_what_only_resembles_one_is_taken(text):
    assert forms.Reading({"note": text}).text("note") == text


def test_a_year_of_the_republic_is_understood_and_the_future_refused_where_it_makes_no_sense():
    reading = forms.Reading({"paid": "108/7/3", "later": "2019-07-23"})
    assert reading.day("paid") == date(2019, 7, 3)
    assert reading.day("later", not_after=date(2019, 7, 22)) is None
    assert refused(reading.check) == {"later": "date.in_future"}


def test_a_file_is_what_its_first_bytes_say():
    files = {
        "a": Upload(b"%PDF-1.7 x", "C:\\slip.pdf"),
        "b": Upload(b"<html>"),
        "c": Upload(b"", size=11 * forms.MEGABYTE),
    }
    reading = forms.Reading({}, files)
    assert reading.file("a") == forms.Upload("slip.pdf", "application/pdf", b"%PDF-1.7 x")
    reading.file("b")
    reading.file("c")
    assert refused(reading.check) == {"b": "file.type_refused", "c": "file.too_large"}


def test_amounts_keep_to_their_currency():
    reading = forms.Reading({"ok": "15,750", "bad": "15750.5", "words": "much"})
    assert reading.money("ok", "TWD") == Money(15750, "TWD")
    reading.money("bad", "TWD")
    reading.money("words", "USD")
    assert refused(reading.check) == {"bad": "money.malformed", "words": "money.malformed"}


def test_a_refusal_may_be_raised_with_programme_texts_as_facts():
    refusal = Refusal("offers.already_held", offer=Text("Action Pack", "行動套件"))
    assert said("zh-hant", refusal.code, **refusal.facts) == "貴公司已有行動套件。每家公司限購一份。"
