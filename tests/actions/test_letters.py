"""Every letter, in both languages: greeted by name, dates and amounts written out, one link, nothing left to fill."""

import ast
import re
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import pytest
from django.urls import resolve

from tenure.billing.rules import WithholdingStatus
from tenure.enrolment.queries import partner_of_token
from tenure.kernel.access import SYSTEM
from tenure.kernel.money import Money
from tenure.kernel.text import Text
from tenure.people import actions as people
from tenure.people import addresses
from tenure.people.queries import invitation_of
from tenure.plumbing.models import Mail
from tenure.programme.queries import current
from tenure.programme.vocabulary import LETTERS as REMINDERS
from tenure.programme.vocabulary import shunned, simplified
from tenure.web.shared.letter_texts import GENERAL, LETTERS
from tenure.web.shared.letters import put_into_words, say_notice
from tenure.webhooks.rules import Status

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tenure"
LANGUAGES = ("en", "zh-hant")
FACTS = {
    "person": "Ming Chen",
    "company": "Contoso Taiwan Ltd",
    "partner_number": "1234566",
    "offer": Text("Action Pack", "行動套件"),
    "number": "O-2019-000001",
    "amount": Money(15750, "TWD"),
    "missing": Money(750, "TWD"),
    "back": Money(15750, "TWD"),
    "reference": "RF18 5390 0754 7034",
    "name": "Nora New",
    "email": "nora@contoso.example",
    "change": 7,
    "ready_on": date(2019, 7, 3),
    "until_on": date(2019, 7, 3),
    "account": "812-0001-2345",
    "invoice": "AUR-2019-000001",
    "credit_note": "AUR-CN-2019-000001",
    "card": "Visa ···· 4242",
    "by": "Ann Lin",
    "reason": "insufficient_funds",
    "kind": "business",
    "outcome": "do_not_renew",
    "pay_by": date(2019, 7, 31),
    "starts_on": date(2019, 6, 23),
    "expires_on": date(2020, 6, 22),
    "opens_on": date(2020, 6, 23),
    "closes_on": date(2020, 7, 22),
    "charge_on": date(2020, 6, 23),
    "expires_at": datetime(2019, 7, 6, 4, tzinfo=UTC),
    "automatic": True,
    "auto_renew": True,
    "retries": True,
    "cancelling": True,
    "open": True,
    "withheld": Money(1500, "TWD"),
    "rest": Money(14250, "TWD"),
    "certificate": "16A-2019-0031",
    "answer": "The second page is missing.",
    "valid_from": date(2019, 7, 1),
    "valid_to": date(2020, 6, 30),
    "link": "/orders/O-2019-000001/",
    "host": "hooks.contoso.example",
}
FLAGS = ("automatic", "auto_renew", "retries", "cancelling", "open")
CODES = sorted([*LETTERS, *(f"letter.{code}" for code in REMINDERS)])


@pytest.fixture
def facts(world):
    invited = people.invite(
        SYSTEM,
        world.contoso,
        email="new@contoso.example",
        name="Nia New",
        roles=["member"],
        language="en",
        now=world.now,
    )
    return {**FACTS, "partner": world.contoso.pk, "invitation": invited.pk}


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def told_in_source() -> set[str]:
    """Every code that a job hands over to be told: the dotted words in calls of ``tell``, ``_tell`` and ``Mail``.

    A code that ends in the status of a certificate or of an endpoint stands for one code of each.
    """
    found = set()
    tellers = ("jobs", "addresses", "recovery")
    for path in sorted(path for name in tellers for path in SOURCE.glob(f"*/{name}.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _called(node) in ("tell", "_tell", "Mail"):
                words = [*node.args, *(word.value for word in node.keywords if word.arg == "code")]
                found |= {w.value for w in words if isinstance(w, ast.Constant) and isinstance(w.value, str)}
                stems = {w.values[0].value for w in words if isinstance(w, ast.JoinedStr)}
                ends = dict.fromkeys(("withholding.", "exemption."), tuple(WithholdingStatus))
                ends["webhooks."] = (Status.GONE, Status.FAILING)
                ends["people.email_change_"] = (addresses.OLD, addresses.NEW)
                found |= {f"{stem}{end}" for stem in stems for end in ends.get(stem, ())}
    permissions = {
        "purchases.approve_order",
        "purchases.buy",
        "purchases.send_withholding",
        "billing.view",
        "webhooks.resume_endpoint",
    }
    return {code for code in found if re.fullmatch(r"[a-z_]+\.[a-z_]+", code)} - permissions


def test_every_code_that_is_told_has_a_letter():
    assert told_in_source() - LETTERS.keys() == set()
    assert LETTERS.keys() - told_in_source() == set()


def test_a_letter_is_complete(facts):
    for code, language, flags in product(CODES, LANGUAGES, (True, False)):
        subject, body = put_into_words(code, {**facts, **dict.fromkeys(FLAGS, flags)}, language)
        assert "\n" not in subject
        assert not re.search(r"[{}]|Money\(|Text\(|datetime|None|\d{4}-\d\d-\d\d\b", subject + body)
        assert body.splitlines()[0] == ("Hello Ming Chen," if language == "en" else "Ming Chen 您好：")
        assert body.splitlines()[-1] == current().name.say(language)
        assert body.count("http://") == 1
        assert subject != GENERAL.subject.say(language)
        assert say_notice(code, {k: v for k, v in facts.items() if k != "person"}, language)


def test_the_chinese_is_written_as_a_reader_in_taiwan_writes_it(facts):
    text = "\n".join(line for code in CODES for line in put_into_words(code, facts, "zh-hant"))
    assert not shunned(text)
    assert not simplified(text)
    assert not re.search(r"[\u4e00-\u9fff][,;:!?]|[\u4e00-\u9fff]\.(?!\w)|！", text)


@pytest.mark.parametrize("code", LETTERS)
def test_the_english_keeps_its_manners(code):
    words = LETTERS[code]
    text = " ".join([words.subject.en, words.act.en, *(part.text.en for part in words.body)])
    assert not re.search(r"please|successful|!", text, re.IGNORECASE)


def test_the_subject_carries_the_date_and_the_state(facts):
    english, chinese = (put_into_words("orders.paid", facts, language)[0] for language in LANGUAGES)
    assert english == "Paid NT$15,750: Action Pack runs to 22 June 2020"
    assert chinese == "已付款 NT$15,750，行動套件有效至 2020年6月22日"


def test_the_confirmation_link_is_signed_for_the_company(world):
    _, body = put_into_words("enrolment.confirm_email", {**FACTS, "partner": world.contoso.pk}, "en")
    token = re.search(r"/join/confirm/([^/\s]+)/", body)[1]
    assert partner_of_token(token) == world.contoso
    assert resolve(f"/join/confirm/{token}/").view_name == "portal:join_confirm"


def test_the_invitation_link_is_signed_for_the_invitation(facts):
    _, body = put_into_words("people.invitation", facts, "zh-hant")
    token = re.search(r"/invitation/([^/\s]+)/", body)[1]
    assert invitation_of(token).pk == facts["invitation"]
    assert resolve(f"/invitation/{token}/").view_name == "portal:invitation"


def test_a_declined_card_says_why_and_whether_it_is_tried_again(facts):
    _, once_more = put_into_words("payments.declined", facts, "en")
    assert "insufficient funds" in once_more
    assert "try again" in once_more
    _, last = put_into_words("payments.declined", {**facts, "retries": False, "reason": "generic"}, "zh-hant")
    assert "不會再次扣款" in last
    assert "generic" not in last


def test_a_company_name_cannot_forge_a_header(facts):
    subject, _ = put_into_words("enrolment.verified", {**facts, "company": "A\nBcc: all@example.com"}, "en")
    assert "\n" not in subject


def test_a_code_without_words_still_says_where_to_look(facts):
    subject, body = put_into_words("orders.of_tomorrow", facts, "en")
    assert subject == "News from the Aurora Partner Programme"
    assert "/orders/O-2019-000001/" in body


def test_mail_of_a_purchase_goes_out_in_words(world, mailoutbox):
    world.buy_by_card()
    world.work()
    sent = Mail.objects.get(code="orders.paid", person_id=world.ming.pk)
    assert sent.state == "sent"
    assert "Action Pack" in sent.subject
    assert "Hello Ming Chen," in sent.body
