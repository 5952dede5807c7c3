"""A programme file promises: it is read whole or refused whole, and each fault names its line and the remedy."""

import re
from functools import cache
from pathlib import Path

import pytest

from tenure.programme.reading import Fault, Faulty, read

AURORA = (Path(__file__).parents[2] / "programmes" / "aurora.toml").read_text(encoding="utf-8")
TWD_15000 = '{ currency = "TWD", net = "15,000", valid_from = 2010-01-01 }'
USD_475 = '{ currency = "USD", net = "475.00", valid_from = 2010-01-01 }'

_PERMISSIONS = """
    offers.view orders.view billing.view payments.view memberships.view benefits.view competencies.view company.view
    people.view partners.view office.view mail.view notices.view support.view_all
    purchases.draft purchases.fill_draft purchases.buy purchases.pay_again purchases.cancel_order
    purchases.upload_proof purchases.match_transfer purchases.record_transfer purchases.hold_transfer
    purchases.set_approval_limit purchases.approve_order purchases.refuse_order
    purchases.split_transfer purchases.ignore_transfer purchases.import_statement purchases.save_mapping purchases.change_method
    renewals.renew renewals.turn_off_auto_renew renewals.turn_on_auto_renew renewals.change_card benefits.reveal_key benefits.use company.edit
    people.set_end people.invite people.withdraw_invitation people.deactivate people.reactivate people.change_roles
    people.set_up_directory people.remove_directory people.keys people.make_key people.rotate_key people.revoke_key
    enrolment.start_recovery enrolment.agree_recovery enrolment.accept_agreement enrolment.hand_in enrolment.ask_confirmation_again enrolment.appeal enrolment.decide
    billing.books billing.close_month billing.reconcile charging.release charging.view charging.stop charging.start renewals.remove_card disputes.view
    partners.add_location partners.change_location partners.remove_location
    partners.move_here partners.suspend partners.reinstate partners.grant_exemption partners.invite_from_old_portal
    support.view support.open_request support.reply support.decide support.close_request support.approve_refund
    support.refund_tax purchases.send_withholding purchases.decide_withholding
    partners.ask_exemption partners.decide_exemption
    competencies.record_evidence programme.apply parked.retry
    audit.view events.view webhooks.view webhooks.add_endpoint webhooks.change_endpoint webhooks.pause_endpoint
    webhooks.resume_endpoint webhooks.remove_endpoint webhooks.rotate_secret webhooks.send_test webhooks.replay
    webhooks.replay_failed
"""
PERMISSIONS = frozenset(_PERMISSIONS.split())


@cache
def faults_of(source: str, known: frozenset[str] | None = PERMISSIONS) -> list[Fault]:
    with pytest.raises(Faulty) as refused:
        read(source, known_permissions=known)
    return refused.value.faults


def planted(old: str, new: str) -> str:
    assert old in AURORA, f"aurora.toml no longer holds {old!r}"
    return AURORA.replace(old, new, 1)


def line_of(source: str, mark: str) -> int:
    return source[: source.index(mark)].count("\n") + 1


FAULTS = {
    # name: (what stands in the file, what is planted, where the fault shows, path, message, remedy)
    "too many decimals": (
        'net = "475.00"', 'net = "475.555"', 'net = "475.555"',
        "offers.action-pack.prices[2].net", '"475.555" has more decimals than USD allows.', 'Write "475.55".',
    ),
    "decimals in whole dollars": (
        'net = "15,000"', 'net = "15,000.50"', "15,000.50",
        "offers.action-pack.prices[1].net", "more decimals than TWD allows", 'Write "15,000".',
    ),
    "withholding of a country there is not": (
        "\nIN = 10\n", "\nXX = 10\n", "XX = 10",
        "withholding.XX", '"XX" is not a country', "",
    ),
    "more withheld than anywhere": (
        "\nIN = 10\n", "\nIN = 51\n", "IN = 51",
        "withholding.IN", "51 is not a tax rate", "Write a number from 0 to 50 with at most two decimals.",
    ),
    "nothing to withhold": (
        "\nIN = 10\n", "\nIN = 0\n", "IN = 0",
        "withholding.IN", "0 percent is nothing to withhold", "Leave IN out.",
    ),
    "an amount that is none": (
        'net = "15,000"', 'net = "15.000,00"', "15.000,00",
        "offers.action-pack.prices[1].net", "is not an amount of TWD", '"15,000"',
    ),
    "an amount without quotes": (
        'net = "475.00"', "net = 475.00", "net = 475.00",
        "offers.action-pack.prices[2].net", "475.00 is not a text in quotes", 'net = "1,670.00"',
    ),
    "an unknown key": (
        "window_days = 30", "windows_days = 30", "windows_days",
        "policies[1].windows_days", 'the key "windows_days" is not known', 'Write "window_days".',
    ),
    "an unknown table": (
        "[problem_types.leads]", "[problemtypes.leads]", "[problemtypes.leads]",
        "problemtypes", "is not known", 'Write "problem_types".',
    ),
    "a missing key": (
        'tier = "base"\n', "", "[offers.action-pack]",
        "offers.action-pack.tier", "is missing", 'tier = "base"',
    ),
    "Chinese missing": (
        '{ en = "Action Pack", zh-hant = "行動套件" }', '{ en = "Action Pack" }', '{ en = "Action Pack" }',
        "offers.action-pack.name.zh-hant", "the Chinese text is missing", 'zh-hant = "…"',
    ),
    "English empty": (
        'en = "Something else"', 'en = " "', 'en = " "',
        "problem_types.other.name.en", "the English text is missing", 'en = "…"',
    ),
    "one text for both languages": (
        '{ en = "Something else", zh-hant = "其他" }', '"Other"', 'name = "Other"',
        "problem_types.other.name", "is not a text in both languages", "zh-hant",
    ),
    "an unknown language": (
        'en = "Data & AI", zh-hant =', 'en = "Data & AI", zh-hans =', "zh-hans",
        "families.data.zh-hans", "is not known", 'Write "zh-hant".',
    ),
    "an unknown currency": (
        'currency = "GBP", net = "380.00"', 'currency = "GPB", net = "380.00"', '"GPB"',
        "offers.action-pack.prices[4].currency", '"GPB" is not known', 'Write "GBP".',
    ),
    "a currency not billed here": (
        'JPY = ["JP"]', 'JPY = ["JP"]\nCHF = ["CH"]', "CHF",
        "currencies.CHF", "is not a currency billed here", "Write one of: EUR, GBP, JPY, TWD, USD.",
    ),
    "an unknown country": (
        'GBP = ["GB"]', 'GBP = ["UK"]', '["UK"]',
        "currencies.GBP[1]", '"UK" is not known', 'Write "GB".',
    ),
    "a country billed twice": (
        'JPY = ["JP"]', 'JPY = ["JP", "TW"]', 'JPY = ["JP", "TW"]',
        "currencies.JPY", "TW is billed in TWD already", "List TW under one currency.",
    ),
    "an unknown country in taxes": (
        "[taxes.US]", "[taxes.USA]", "[taxes.USA]",
        "taxes.USA", '"USA" is not a country', 'Write "US".',
    ),
    "an unknown zone": (
        'zone = "Asia/Taipei"', 'zone = "Asia/Taipeh"', "Asia/Taipeh",
        "programme.zone", "is not a time zone", 'Write "Asia/Taipei".',
    ),
    "an unknown permission": (
        '"purchases.buy",', '"purchase.buy",', '"purchase.buy",',
        "roles.programme_admin.permissions[4]", '"purchase.buy" is not a permission', 'Write "purchases.buy".',
    ),
    "an unknown offer in excluded_by": (
        'excluded_by = ["gold-cloud"]', 'excluded_by = ["gold-clouds"]', '"gold-clouds"',
        "offers.silver-cloud.excluded_by[1]", '"gold-clouds" is not known', 'Write "gold-cloud".',
    ),
    "an offer that excludes itself": (
        'excluded_by = ["gold-cloud"]', 'excluded_by = ["silver-cloud"]', 'excluded_by = ["silver-cloud"]',
        "offers.silver-cloud.excluded_by", "cannot exclude itself", 'Remove "silver-cloud".',
    ),
    "a requirement twice": (
        'code = "customer-references"', 'code = "certified-people"', 'code = "certified-people"\nname = { en = "Customer',
        "offers.silver-cloud.criteria[2].code", "stands twice in this offer", "its own code",
    ),
    "a benefit twice": (
        'code = "developer-seats"', 'code = "office-seats"', 'code = "office-seats"\nkind = "seats"\nname = { en = "Dev',
        "offers.action-pack.benefits[2].code", "stands twice in this offer", "its own code",
    ),
    "prices that overlap": (
        TWD_15000, f'{TWD_15000},\n  {{ currency = "TWD", net = "16,000", valid_from = 2020-01-01 }}', '"16,000"',
        "offers.action-pack.prices[2]", "overlaps another price in TWD for TW", "End one before the other begins",
    ),
    "default prices that overlap": (
        USD_475, f'{USD_475},\n  {{ currency = "USD", net = "480.00", valid_from = 2020-01-01 }}', '"480.00"',
        "offers.action-pack.prices[3]", "overlaps another price in USD for all other countries", "End one before",
    ),
    "no price in the default currency": (
        f"  {USD_475},\n", "", "prices = [",
        "offers.action-pack.prices", "has no price in USD", 'currency = "USD"',
    ),
    "a price for a country billed otherwise": (
        TWD_15000, TWD_15000.replace(" }", ', countries = ["DE"] }'), 'countries = ["DE"]',
        "offers.action-pack.prices[1].countries[1]", "DE is billed in EUR, not in TWD", "Remove DE",
    ),
    "a price that ends before it begins": (
        TWD_15000, TWD_15000.replace(" }", ", valid_to = 2009-12-31 }"), "2009-12-31",
        "offers.action-pack.prices[1].valid_to", "2009-12-31 is before 2010-01-01", "Write 2010-01-01 or a later day.",
    ),
    "a gap in the policy versions": (
        "version = 1\n", "version = 3\n", "version = 3",
        "policies[1].version", "version 3 does not follow on version 0", "Write 1;",
    ),
    "no window": (
        "window_days = 30", "window_days = 0", "window_days = 0",
        "policies[1].window_days", "0 is outside 1 to 365", "Write a number from 1 to 365.",
    ),
    "true is no number": (
        "window_days = 30", "window_days = true", "window_days = true",
        "policies[1].window_days", "true is not a whole number", "window_days = 30",
    ),
    "a retry outside the window": (
        "retry_days = [4, 8, 15, 22]", "retry_days = [4, 8, 15, 31]", "retry_days",
        "policies[1].retry_days", "day 31 is outside the renewal window, days 1 to 30", "Write days from 2 to 30",
    ),
    "a reminder twice": (
        "reminder_days = [-15, 23]", "reminder_days = [-15, 23, 23]", "reminder_days",
        "policies[1].reminder_days", "23 stands twice", "Write each day once.",
    ),
    "a last call after the window": (
        "last_call_day = 29", "last_call_day = 40", "last_call_day",
        "policies[1].last_call_day", "day 40 is outside the renewal window", "Write a day from 1 to 30.",
    ),
    "a warning after the end": (
        "order_warning_days = 23", "order_warning_days = 30", "order_warning_days",
        "policies[1].order_warning_days", "an order expires on day 30", "Write a number below 30.",
    ),
    "a currency without a refund limit": (
        'JPY = "280,000"\n', "", "[policies.refund_limit]",
        "policies[1].refund_limit", "JPY has no limit", "Add JPY",
    ),
    "a day in quotes": (
        "valid_from = 2010-01-01\n# Expiry", 'valid_from = "2010-01-01"\n# Expiry', 'valid_from = "2010-01-01"',
        "policies[1].valid_from", "is not a date", "without quotes",
    ),
    "an impossible day": (
        "valid_from = 2010-01-01\n# Expiry", "valid_from = 2010-02-30\n# Expiry", "2010-02-30",
        "file", "invalid date", "Write a day that exists",
    ),
    "an instant for a day": (
        "valid_from = 2010-01-01\n# Expiry", "valid_from = 2010-01-01T00:00:00Z\n# Expiry", "2010-01-01T",
        "policies[1].valid_from", "is not a date", "2019-06-22",
    ),
    "an unknown tax category": (
        'percent = 19, category = "S"', 'percent = 19, category = "X"', 'percent = 19, category = "X"',
        "taxes.DE.category", '"X" is not known', "Write one of: AE, E, G, K, O, S, Z.",
    ),
    "a standard rate of nothing": (
        "percent = 19", "percent = 0", "DE = {",
        "taxes.DE.category", "category S does not go with 0 percent", "Only S",
    ),
    "a rate beyond reason": (
        "percent = 19", "percent = 19.001", "percent = 19.001",
        "taxes.DE.percent", "19.001 is not a tax rate", "at most two decimals",
    ),
    "no tax without a reason": (
        re.search(r'percent = 0\ncategory = "G"\nnote = .*\n', AURORA)[0], 'percent = 0\ncategory = "G"\n', 'category = "G"',
        "taxes.US.category", "must say why no tax is charged", "note",
    ),
    "a placeholder nobody fills": (
        "{offer} expires on {expires_on}: renew", "{offer} expires on {expiry_on}: renew", "{expiry_on}",
        "letters.reminder_before.subject.en", "{expiry_on} is not a placeholder", "Write expires_on.",
    ),
    "a placeholder with a form": (
        "{offer} expires on {expires_on}: renew", "{offer} expires on {expires_on:>9}: renew", "{expires_on:>9}",
        "letters.reminder_before.subject.en", "{expires_on} is given a form", "Write {expires_on}.",
    ),
    "a placeholder in one language only": (
        "Hello {person},\n\nThe renewal window", "Hello,\n\nThe renewal window", "en = \"\"\"\nHello,",
        "letters.last_call.body.en", "{person} stands in the Chinese text only", "Say {person} here too",
    ),
    "a brace left open": (
        "曙光合作夥伴計畫\n\"\"\"\n\n# Before expiry, auto-renew on", "{link\n\"\"\"\n\n# Before expiry, auto-renew on",
        'zh-hant = """\n{person} 您好：',
        "letters.reminder_before.body.zh-hant", "a brace without its partner", "{expires_on}",
    ),
    "a letter nobody sends": (
        "[letters.lapsed]", "[letters.laped]", "[letters.laped]",
        "letters.laped", 'nobody sends a letter "laped"', 'Write "lapsed".',
    ),
    "a word that is not said": (
        "會員資格已失效，權益已終止", "會員資格已失效，行動寶盒權益已終止", "行動寶盒",
        "letters.lapsed.body.zh-hant", "「行動寶盒」 is not said", "Write 「行動套件」.",
    ),
    "a user under another name": (
        "每個席次指派給一位使用者", "每個席次指派給一位用戶", "一位用戶",
        "offers.action-pack.benefits[1].description.zh-hant", "「用戶」 is not said", "Write 「使用者」.",
    ),
    "simplified Chinese": (
        "八、修訂。新版合約", "八、修订。新版合約", "修订",
        "agreements[1].body.zh-hant", "「订」 is simplified Chinese", "繁體中文",
    ),
    "no Chinese in a Chinese text": (
        'zh-hant = "會員費用退款"', 'zh-hant = "Refund"', 'zh-hant = "Refund"',
        "problem_types.refund.name.zh-hant", "holds no Chinese", "繁體中文",
    ),
    "terms without an agreement": (
        'terms = "purchase"', 'terms = "purchases"', 'terms = "purchases"',
        "offers.action-pack.terms", '"purchases" is not known', 'Write "purchase".',
    ),
    "an agreement version twice": (
        'version = "2010-01"', 'version = "2018-01"',
        'version = "2018-01"\ntitle = { en = "Partner programme agreement", zh-hant = "合作夥伴計畫合約" }\n\n[agreements.body]\nen = """\n1. The',
        "agreements[2].version", "version 2018-01 of programme stands twice", "its own version",
    ),
    "nobody takes cancellations": (
        'action = "cancel"\n', "", "[problem_types.membership-purchase-renewal]",
        "problem_types", "no problem type takes cancellations", 'action = "cancel"',
    ),
    "two take cancellations": (
        'action = "refund"', 'action = "cancel"',
        'action = "cancel"\n\n[problem_types.benefits-activation]',
        "problem_types.refund.action", "invoice-payment-reconciliation takes cancellations already", "in one only",
    ),
    "no admin": (
        'side = "partner"\nadmin = true\n', 'side = "partner"\n', "[roles.global_admin]",
        "roles", "no partner role has admin = true", "admin = true",
    ),
    "an unknown way to pay": (
        '"card", "bank_transfer"', '"card", "cheque"', '"cheque"',
        "offers.action-pack.methods[2]", '"cheque" is not known', "Write one of: bank_transfer, card.",
    ),
    "a competency nobody has to earn": (
        "[[offers.gold-data.criteria]]", "[[offers.gold-data.requirements]]", "[[offers.gold-data.requirements]]",
        "offers.gold-data.requirements", "is not known", "Remove it",
    ),
    "no account for a currency": (
        'JPY = "0099-02-118822-2"\n', "", "[seller.bank_accounts]",
        "seller.bank_accounts", "no account takes JPY", "Add JPY",
    ),
    "a code with a capital": (
        "[problem_types.tax]", "[problem_types.Tax]", "[problem_types.Tax]",
        "problem_types.Tax", '"Tax" is not a code', "small letters",
    ),
    "a text left open": (
        'code = "aurora"', 'code = "aurora', 'code = "aurora\n',
        "file", "cannot be read here", "Close the text with the quotes it began with",
    ),
    "a key twice": (
        "window_days = 30", "window_days = 30\nwindow_days = 31", "window_days = 31",
        "file", "cannot overwrite a value", "Write each key once",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_at_its_line_with_what_would_be_right(name):
    old, new, mark, path, message, remedy = FAULTS[name]
    source = planted(old, new)
    found = [fault for fault in faults_of(source) if fault.path == path and message in fault.message]
    assert found, f"not among {faults_of(source)}"
    assert found[0].line == line_of(source, mark)
    assert remedy in found[0].remedy
    assert str(found[0]).startswith(f"line {found[0].line}: {path}: ")


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"a competency nobody has to earn", "an unknown table"}))
def test_a_single_mistake_does_not_raise_a_storm(name):
    old, new, *_ = FAULTS[name]
    assert len(faults_of(planted(old, new))) <= 3


def test_a_fault_reads_as_one_sentence_for_a_person():
    source = planted('net = "475.00"', 'net = "475.555"')
    line = line_of(source, "475.555")
    [fault] = faults_of(source)
    says = (
        f'line {line}: offers.action-pack.prices[2].net: "475.555" has more decimals than USD allows. Write "475.55".'
    )
    assert str(fault) == says
    assert str(Faulty([fault])) == f"1 fault\n{says}"


def test_all_faults_of_a_file_are_told_at_once_in_the_order_of_its_lines():
    source = AURORA
    independent = ["an unknown zone", "no window", "too many decimals", "a benefit twice", "an unknown permission",
                   "a placeholder nobody fills", "an unknown tax category"]  # fmt: skip
    for name in independent:
        old, new, *_ = FAULTS[name]
        source = source.replace(old, new, 1)
    faults = faults_of(source)
    assert {FAULTS[name][3] for name in independent} <= {fault.path for fault in faults}
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)


def test_policies_follow_one_another():
    second = "[[policies]]\nversion = 2\nvalid_from = 2009-01-01\n[policies.refund_limit]\n"
    second += 'TWD = "1"\nUSD = "1"\nEUR = "1"\nGBP = "1"\nJPY = "1"\n\n'
    source = planted("# ── Agreements", second + "# ── Agreements")
    [fault] = faults_of(source)
    assert (fault.line, fault.path) == (line_of(source, "valid_from = 2009-01-01"), "policies[2].valid_from")
    assert len(read(source.replace("2009-01-01", "2020-01-01")).policies) == 2


def test_a_price_rise_closes_the_old_price_the_day_before():
    old = TWD_15000.replace(" }", ", valid_to = 2019-12-31 }")
    new = '{ currency = "TWD", net = "16,000", valid_from = 2020-01-01 }'
    programme = read(planted(TWD_15000, f"{old},\n  {new}"))
    ids = [price.id for price in programme.prices if price.offer == "action-pack" and price.net.currency == "TWD"]
    assert ids == ["action-pack/TWD/2010-01-01", "action-pack/TWD/2020-01-01"]


def test_a_price_for_named_countries_stands_beside_the_one_for_all_others():
    canada = '{ currency = "USD", countries = ["CA"], net = "490.00", valid_from = 2010-01-01 }'
    programme = read(planted(USD_475, f"{USD_475},\n  {canada}"))
    assert [p.countries for p in programme.prices if p.offer == "action-pack" and p.net.currency == "USD"] == [
        (),
        ("CA",),
    ]


def test_permissions_unknown_to_the_reader_are_judged_by_form_alone():
    source = planted('"purchases.buy",', '"purchase.buy",')
    assert read(source).code == "aurora"
    [fault] = faults_of(planted('"purchases.buy",', '"Purchase!",'), known=None)
    assert fault.remedy == 'Write it like "offers.view".'
    assert read(planted('"purchases.buy",', '"purchases.*",'), known_permissions=PERMISSIONS)


@pytest.mark.parametrize(
    "source", ["", "\n\n", "x", "[", "a = " + "[" * 5000, "a = " + "9" * 5000, "[programme]\n\x00"]
)
def test_whatever_is_not_a_programme_is_refused_with_a_line_that_exists(source):
    faults = faults_of(source)
    assert faults and all(1 <= fault.line <= max(1, len(source.splitlines())) for fault in faults)


def test_tables_of_the_wrong_kind_are_refused_not_stumbled_over():
    for key in ("programme", "currencies", "seller", "policies", "agreements", "families", "offers", "taxes", "roles"):
        for wrong in ("7", '"text"', "[1]", "{ a = 1 }", "[{ a = 1 }]"):
            assert faults_of(f"{key} = {wrong}\n")


def test_a_file_saved_on_another_machine_reads_the_same():
    assert read("\ufeff" + AURORA.replace("\n", "\r\n")) == read(AURORA)
