"""What a programme file must hold: each table turned into its frozen value, every fault noted on the way.

It decides which programmes are sound: keys, forms, and what must agree between tables (an offer's agreement
exists, prices do not overlap, policies follow one another). It must never read a row or a clock. A value made
from a faulty table is incomplete and is thrown away with the file. Read next: ``programme/catalogue.py`` for
offers and their prices; ``programme/tables.py`` for how a fault is noted.
"""

import re
from dataclasses import dataclass, fields
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from tenure.kernel.money import EXPONENTS
from tenure.kernel.text import Text
from tenure.programme import vocabulary
from tenure.programme.rules import (
    Agreement,
    Anchor,
    Letter,
    Policy,
    ProblemType,
    Role,
    Seller,
    Tax,
    TermLength,
)
from tenure.programme.tables import Answer, Table, instead, shown

_POLICY: dict[str, Any] = {field.name: field.default for field in fields(Policy)}
# The least and most of each whole number a policy holds. The window opens on the day after expiry at the
# earliest: the expiry day is paid for (domain.md, decision 1).
_POLICY_BOUNDS = {
    "opens_offset_days": (1, 365),
    "window_days": (1, 365),
    "last_call_day": (1, 730),
    "card_notice_days": (0, 365),
    "refund_days": (0, 365),
    "order_expiry_days": (1, 365),
    "order_warning_days": (1, 365),
    "legacy_open_before_days": (0, 365),
    "recovery_wait_days": (1, 90),
    "tax_refund_days": (0, 3650),
    "transfer_tolerance_minor": (0, 100_000),
}
_POLICY_FLAGS = ("benefits_in_window", "require_verified", "auto_renew_supported")


def zone(table: Table) -> Answer:
    name = table.text("zone", '"Asia/Taipei"')
    try:
        return name and ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        table.fault("zone", f"{shown(name)} is not a time zone.", instead(name, available_timezones()))
        return None


@dataclass(frozen=True, slots=True)
class Billing:
    """Which country pays in which currency; ``known`` are all currencies the file bills in."""

    by_country: dict[str, str]
    default: Answer
    known: frozenset[str]

    def of(self, country: str) -> str | None:
        return self.by_country.get(country, self.default)


def billing(root: Table, head: Table) -> Billing:
    """Countries by currency in the file, for people; currency by country in the programme, for look-ups."""
    found: dict[str, str] = {}
    default = head.choice("default_currency", EXPONENTS)
    with root.table("currencies") as table:
        _all_billable(table)
        for currency in table.keys:
            for country in table.choices(currency, vocabulary.COUNTRIES):
                if country in found:
                    both = f"{country} is billed in {found[country]} already."
                    table.fault(currency, both, f"List {country} under one currency.")
                found.setdefault(country, currency)
        known = frozenset(EXPONENTS) & {*table.keys, default}
    return Billing(found, default, known)


def _all_billable(table: Table) -> None:
    """Every key of the table is a currency whose minor units Tenure knows."""
    for currency in table.keys:
        if currency not in EXPONENTS:
            table.fault(currency, f'"{currency}" is not a currency billed here.', instead(currency, EXPONENTS))


def seller(root: Table, billed: frozenset[str]) -> Seller:
    with root.table("seller") as table:
        with table.table("bank_accounts") as below:
            _all_billable(below)
            accounts = {currency: below.text(currency) for currency in below.keys}
            for currency in sorted(billed - accounts.keys()):
                below.fault("", f"no account takes {currency}.", f'Add {currency} = "…" with the account number.')
        return Seller(
            name=table.words("name", prose=False),
            address=table.words("address"),
            country=table.choice("country", vocabulary.COUNTRIES),
            tax_id=table.text("tax_id"),
            email=table.text("email", '"billing@example.com"', like=r"[^@\s]+@[^@\s]+\.[^@\s]+"),
            phone=table.text("phone", '"+886 2 2712 3456"', like=r"\+?[\d ()#-]{6,30}"),
            bank_name=table.words("bank_name", prose=False),
            bank_accounts=accounts,
            bank_swift=table.text("bank_swift", '"AURBTWTP"', like=r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?"),
        )


def policies(root: Table, billed: frozenset[str]) -> tuple[Policy, ...]:
    found: list[Policy] = []
    for table in root.listed("policies"):
        with table:
            policy = _policy(table, billed)
            if policy.version is not None and policy.version != len(found) + 1:
                message = f"version {policy.version} does not follow on version {len(found)}."
                table.fault("version", message, f"Write {len(found) + 1}; versions count from 1 without a gap.")
            before = found[-1].valid_from if found else None
            if before and policy.valid_from and policy.valid_from <= before:
                message = f"{policy.valid_from} is not after {before}, when the version before it began."
                table.fault("valid_from", message, "Write a later day, in the order of the versions.")
            found.append(policy)
    return tuple(found)


def _policy(table: Table, billed: frozenset[str]) -> Policy:
    policy = Policy(
        version=table.whole("version", 1, 10_000),
        valid_from=table.day("valid_from"),
        anchor=Anchor(table.choice("anchor", list(Anchor), "anniversary") or "anniversary"),
        term_length=TermLength(table.choice("term_length", list(TermLength), "calendar_year") or "calendar_year"),
        retry_days=table.wholes("retry_days", _POLICY["retry_days"]),
        reminder_days=table.wholes("reminder_days", _POLICY["reminder_days"]),
        refund_limit=_refund_limit(table, billed),
        **{key: table.whole(key, *bounds, _POLICY[key]) for key, bounds in _POLICY_BOUNDS.items()},
        **{key: table.flag(key, _POLICY[key]) for key in _POLICY_FLAGS},
    )
    _days_agree(table, policy)
    return policy


def _refund_limit(table: Table, billed: frozenset[str]) -> dict[str, int]:
    """Every billed currency has one: without a limit a refund would need no second approver."""
    with table.table("refund_limit") as below:
        _all_billable(below)
        for currency in sorted(billed - set(below.keys)):
            below.fault("", f"{currency} has no limit.", f'Add {currency} = "…", above which two people approve.')
        amounts = {currency: below.money(currency, currency) for currency in below.keys}
    return {currency: amount.minor for currency, amount in amounts.items() if amount}


def _days_agree(table: Table, policy: Policy) -> None:
    """The days a policy counts from the expiry date must fall where they mean something."""
    if policy.opens_offset_days and policy.window_days:
        first, last = policy.opens_offset_days, policy.opens_offset_days + policy.window_days - 1
        for day in policy.retry_days:
            if not first < day <= last:
                message = f"day {day} is outside the renewal window, days {first} to {last}."
                table.fault(
                    "retry_days", message, f"Write days from {first + 1} to {last}; day {first} is the first try."
                )
        if policy.last_call_day and not first <= policy.last_call_day <= last:
            message = f"day {policy.last_call_day} is outside the renewal window, days {first} to {last}."
            table.fault("last_call_day", message, f"Write a day from {first} to {last}.")
        for day in policy.reminder_days:
            if not -365 <= day <= last:
                message = f"day {day} is no day to remind on: the window closes on day {last}."
                table.fault("reminder_days", message, f"Write days from -365 to {last}.")
    if policy.order_warning_days and policy.order_expiry_days and policy.order_warning_days >= policy.order_expiry_days:
        message = f"day {policy.order_warning_days} is no warning: an order expires on day {policy.order_expiry_days}."
        table.fault("order_warning_days", message, f"Write a number below {policy.order_expiry_days}.")


def families(root: Table) -> dict[str, Text]:
    with root.table("families", optional=True) as table:
        return {code: table.words(code, prose=False) for code in table.keys}


def agreements(root: Table) -> tuple[Agreement, ...]:
    """Newest version first, so that the one found by its id is the one in force."""
    found: dict[tuple[str | None, str | None], Agreement] = {}
    for table in root.listed("agreements"):
        with table:
            agreement = Agreement(
                id=table.code("id", "purchase"),
                version=table.text("version", '"2018-01"', like=r"\d{4}-\d{2}(-\d{2})?"),
                title=table.words("title"),
                body=table.words("body"),
            )
            key = (agreement.id, agreement.version)
            if key in found and None not in key:
                message = f"version {agreement.version} of {agreement.id} stands twice."
                table.fault("version", message, "Give the newer text its own version, like 2019-07.")
            found[key] = agreement
    if found and vocabulary.JOINING_AGREEMENT not in {id for id, _ in found}:
        message = "the agreement accepted on joining is missing."
        root.fault("agreements", message, f'Add one with id = "{vocabulary.JOINING_AGREEMENT}".')
    return tuple(sorted(found.values(), key=lambda each: each.version or "", reverse=True))


def taxes(root: Table) -> tuple[Tax, ...]:
    known = vocabulary.COUNTRIES | {"*"}
    found = []
    below = root.named("taxes", coded=False)
    for country, table in below.items():
        with table:
            if country not in known:
                table.fault("", f'"{country}" is not a country.', instead(country, known))
            found.append(_tax(country, table))
    if below and "*" not in below:
        root.fault("taxes", "countries not listed have no tax.", 'Add the table [taxes."*"].')
    return tuple(found)


def _tax(country: str, table: Table) -> Tax:
    rate = _basis_points(table)
    category = table.choice("category", vocabulary.TAX_CATEGORIES)
    note = table.words("note", None)
    if category and rate is not None and (category == "S") != (rate > 0):
        message = f"category {category} does not go with {rate / 100:g} percent."
        table.fault("category", message, "Only S, the standard rate, has a rate above 0; Z, E, AE, K, G and O have 0.")
    if category in vocabulary.TAX_CATEGORIES_EXPLAINED and note is None and "note" not in table.keys:
        message = f"an invoice of category {category} must say why no tax is charged."
        table.fault("category", message, 'Add note = { en = "…", zh-hant = "…" }.')
    return Tax(country, table.words("name", prose=False), rate, category, note)


def withholding(root: Table) -> dict[str, int]:
    """The share of the net price that a company may withhold, by its country; elsewhere none."""
    found = {}
    with root.table("withholding", optional=True) as table:
        for country in table.keys:
            if country not in vocabulary.COUNTRIES:
                table.fault(country, f'"{country}" is not a country.', instead(country, vocabulary.COUNTRIES))
            points = _basis_points(table, country, most=50)
            if points == 0:
                table.fault(country, "0 percent is nothing to withhold.", f"Leave {country} out.")
            found[country] = points
    return found


def _basis_points(table: Table, key: str = "percent", *, most: int = 100) -> Answer:
    """A rate is written in percent with up to two decimals and kept in hundredths of a percent."""
    value = table.number(key, "5")
    if value is None:
        return None
    points = value * 100
    if not 0 <= points <= most * 100 or points != int(points):
        remedy = f"Write a number from 0 to {most} with at most two decimals."
        table.fault(key, f"{value} is not a tax rate.", remedy)
        return None
    return int(points)


def roles(root: Table, known: frozenset[str] | None) -> tuple[Role, ...]:
    found = []
    below = root.named("roles")
    for code, table in below.items():
        with table:
            found.append(
                Role(
                    code=code,
                    side=table.choice("side", vocabulary.SIDES),
                    name=table.words("name"),
                    description=table.words("description"),
                    permissions=frozenset(_permissions(table, known)),
                    admin=table.flag("admin", False),
                    second_factor=table.flag("second_factor", False),
                )
            )
    if found and not any(role.admin and role.side == "partner" for role in found):
        message = "no partner role has admin = true, so nobody could let others in."
        root.fault("roles", message, "Write admin = true in the role of whoever enrols the company.")
    return tuple(found)


def _permissions(table: Table, known: frozenset[str] | None) -> list[str]:
    good = []
    for at, name in enumerate(table.take("permissions", list, '["offers.view"]') or ()):
        if not isinstance(name, str) or not re.fullmatch(r"\*|[a-z_]+\.(\*|[a-z_]+)", name):
            table.fault(("permissions", at), f"{shown(name)} is not a permission.", 'Write it like "offers.view".')
        elif known is not None and not _covers(name, known):
            table.fault(("permissions", at), f"{shown(name)} is not a permission.", instead(name, known))
        elif name in good:
            table.fault(("permissions", at), f"{shown(name)} stands twice.", "Write it once.")
        else:
            good.append(name)
    return good


def _covers(name: str, known: frozenset[str]) -> bool:
    return name in known or name == "*" or (name.endswith(".*") and any(k.startswith(name[:-1]) for k in known))


def problem_types(root: Table) -> tuple[ProblemType, ...]:
    found = []
    for code, table in root.named("problem_types").items():
        with table:
            action = table.choice("action", vocabulary.ACTIONS, None)
            found.append(ProblemType(code, table.words("name"), table.words("hint", None), action))
    for action, why in (("cancel", "cancellations"), ("exemption", "tax exemptions")):
        served = [each.code for each in found if each.action == action]
        if found and not served:
            root.fault("problem_types", f"no problem type takes {why}.", f'Write action = "{action}" in one of them.')
        for code in served[1:]:
            message = f"{served[0]} takes {why} already."
            root.fault(("problem_types", code, "action"), message, f'Write action = "{action}" in one only.')
    return tuple(found)


def letters(root: Table) -> tuple[Letter, ...]:
    found = []
    below = root.named("letters")
    for code, table in below.items():
        with table:
            if code not in vocabulary.LETTERS:
                table.fault("", f'nobody sends a letter "{code}".', instead(code, vocabulary.LETTERS))
            letter = Letter(code, table.words("subject"), table.words("body"))
            for key, text in (("subject", letter.subject), ("body", letter.body)):
                _placeholders_agree(table, key, text)
            found.append(letter)
    for code in vocabulary.LETTERS if below else ():
        if code not in below:
            root.fault("letters", f"the letter {code} is missing.", f"Add the table [letters.{code}].")
    return tuple(found)


def _placeholders_agree(table: Table, key: str, text: Text | None) -> None:
    used: dict[str, set[str]] = {}
    for language, words in (("en", text and text.en), ("zh-hant", text and text.zh_hant)):
        names = _placeholders(table, (key, language), words) if words else None
        if names is None:
            return
        used[language] = names
    for here, there, says in (("en", "zh-hant", "Chinese"), ("zh-hant", "en", "English")):
        for name in sorted(used[there] - used[here]):
            message = f"{{{name}}} stands in the {says} text only."
            table.fault((key, here), message, f"Say {{{name}}} here too, or in neither language.")


def _placeholders(table: Table, at: tuple[str, str], words: str) -> set[str] | None:
    """The known placeholders of a text; nothing may be done to them there, their form is the reader's language."""
    try:
        found = [(name, form or how) for _, name, form, how in Formatter().parse(words) if name is not None]
    except ValueError:
        table.fault(at, "has a brace without its partner.", "Write each placeholder like {expires_on}.")
        return None
    names = {name for name, _ in found}
    for name in sorted(names - set(vocabulary.PLACEHOLDERS)):
        right = instead(name, vocabulary.PLACEHOLDERS).replace('"', "")
        table.fault(at, f"{{{name}}} is not a placeholder.", right, word="{" + name)
    for name in sorted({name for name, form in found if form}):
        message = f"{{{name}}} is given a form; dates and amounts come in the reader's own."
        table.fault(at, message, f"Write {{{name}}}.", word="{" + name)
    return names & set(vocabulary.PLACEHOLDERS)
