"""The offers of a programme file with their prices, benefits and requirements.

It decides whether what is sold is sound: codes exist, prices do not overlap, the default currency is served,
a competency asks for something. It must never know a rule of buying: ``offers/rules.py`` reads these values.
Read next: ``programme/schema.py`` for the rest of the file.
"""

from collections.abc import Collection
from datetime import date
from itertools import combinations

from tenure.programme import vocabulary
from tenure.programme.rules import Benefit, Criterion, Offer, OfferKind, Price
from tenure.programme.schema import Billing
from tenure.programme.tables import Answer, Table, instead, shown

_COMPETENCIES = (OfferKind.SILVER, OfferKind.GOLD)
_FOREVER = date.max


def offers(
    root: Table, *, families: Collection[str], agreements: Collection[str], billing: Billing
) -> tuple[tuple[Offer, ...], tuple[Price, ...]]:
    found: list[Offer] = []
    prices: list[Price] = []
    below = root.named("offers")
    for code, table in below.items():
        with table:
            found.append(_offer(code, table, tuple(below), families, agreements))
            prices += _prices(code, table, billing)
    return tuple(found), tuple(prices)


def _offer(
    code: str, table: Table, codes: tuple[str, ...], families: Collection[str], agreements: Collection[str]
) -> Offer:
    named = table.choice("kind", list(OfferKind))
    kind: Answer = OfferKind(named) if named else None
    family = table.choice("family", families, "")
    criteria = _criteria(table)
    if kind in _COMPETENCIES and "family" not in table.keys:
        table.fault("family", "is missing: a competency belongs to a family.", instead("", families))
    if kind in _COMPETENCIES and not criteria:
        message = "is missing: a competency has to be earned."
        table.fault("criteria", message, f"Add [[offers.{code}.criteria]] with what a company must reach.")
    starts, ends = table.day("valid_from", date(2000, 1, 1)), table.day("valid_to", None)
    _in_order(table, starts, ends)
    return Offer(
        code=code,
        kind=kind,
        family=family,
        name=table.words("name", prose=False),
        summary=table.words("summary"),
        description=table.words("description"),
        mark=table.text("mark", '"AP"', like=r"\S{2}"),
        tier=table.choice("tier", vocabulary.TIERS),
        benefits=_benefits(table),
        criteria=criteria,
        excluded_by=_excluded_by(code, table, codes),
        methods=_methods(table),
        terms=table.choice("terms", agreements),
        valid_from=starts,
        valid_to=ends,
    )


def _excluded_by(code: str, table: Table, codes: tuple[str, ...]) -> tuple[str, ...]:
    excluded = table.choices("excluded_by", codes, [])
    if code in excluded:
        table.fault("excluded_by", "an offer cannot exclude itself.", f'Remove "{code}".')
    return excluded


def _methods(table: Table) -> tuple[str, ...]:
    methods = table.choices("methods", vocabulary.METHODS, list(vocabulary.METHODS))
    if "methods" in table.keys and not methods:
        table.fault("methods", "leaves no way to pay.", instead("", vocabulary.METHODS))
    return methods


def _in_order(table: Table, starts: date | None, ends: date | None) -> None:
    if starts and ends and ends < starts:
        table.fault("valid_to", f"{ends} is before {starts}, when it begins.", f"Write {starts} or a later day.")


def _prices(offer: str, table: Table, billing: Billing) -> list[Price]:
    found: list[tuple[Table, Price]] = []
    for row in table.listed("prices"):
        with row:
            found.append((row, _price(offer, row, billing)))
    for (_, earlier), (row, later) in combinations(found, 2):
        if _overlap(earlier, later):
            where = ", ".join(sorted({*earlier.countries} & {*later.countries})) or "all other countries"
            message = f"overlaps another price in {later.net.currency} for {where} from {earlier.valid_from}."
            row.fault("", message, "End one before the other begins, or list different countries in both.")
    prices = [price for _, price in found]
    _default_is_served(offer, table, prices, billing.default)
    return prices


def _default_is_served(offer: str, table: Table, prices: list[Price], default: str | None) -> None:
    """Somebody from a country that is listed nowhere must find a price, too."""
    # A price without its amount has been noted; that it serves nobody is not a second fault.
    if not default or not prices or not all(price.net for price in prices):
        return
    if not any(price.net.currency == default and not price.countries for price in prices):
        message = f"{offer} has no price in {default}, which countries not listed pay."
        table.fault(
            "prices", message, f'Add {{ currency = "{default}", net = "…", valid_from = … }} without countries.'
        )


def _price(offer: str, row: Table, billing: Billing) -> Price:
    currency = row.choice("currency", billing.known)
    starts, ends = row.day("valid_from"), row.day("valid_to", None)
    _in_order(row, starts, ends)
    listed = row.choices("countries", vocabulary.COUNTRIES, [])
    for at, country in enumerate(listed):
        if currency and billing.of(country) != currency:
            message = f"{country} is billed in {billing.of(country)}, not in {currency}."
            row.fault(("countries", at), message, f"Remove {country} here, or move it under [currencies].")
    # A currency other than the default is for the countries billed in it; only the default reaches everybody else.
    implied = tuple(sorted(country for country, each in billing.by_country.items() if each == currency))
    return Price(
        id="/".join([offer, currency or "", *(["+".join(listed)] if listed else []), str(starts)]),
        offer=offer,
        net=row.money("net", currency),
        countries=listed or (() if currency == billing.default else implied),
        valid_from=starts,
        valid_to=ends,
    )


def _overlap(one: Price, other: Price) -> bool:
    if not (one.net and other.net and one.valid_from and other.valid_from) or one.net.currency != other.net.currency:
        return False
    same_place = {*one.countries} & {*other.countries} or not (one.countries or other.countries)
    return (
        bool(same_place)
        and one.valid_from <= (other.valid_to or _FOREVER)
        and other.valid_from <= (one.valid_to or _FOREVER)
    )


def _benefits(table: Table) -> tuple[Benefit, ...]:
    found: dict[str | None, Benefit] = {}
    for row in table.listed("benefits", optional=True):
        with row:
            benefit = Benefit(
                code=row.code("code", "office-seats"),
                kind=row.choice("kind", vocabulary.BENEFIT_KINDS),
                name=row.words("name", prose=False),
                quantity=row.whole("quantity", 1, 1_000_000),
                unit=row.words("unit", None, prose=False),
                description=row.words("description", None),
            )
            _once(row, benefit.code, found)
            found[benefit.code] = benefit
    return tuple(found.values())


def _criteria(table: Table) -> tuple[Criterion, ...]:
    found: dict[str | None, Criterion] = {}
    for row in table.listed("criteria", optional=True):
        with row:
            criterion = Criterion(
                code=row.code("code", "certified-people"),
                name=row.words("name", prose=False),
                threshold=row.whole("threshold", 1, 10**12),
                unit=row.words("unit", None, prose=False),
            )
            _once(row, criterion.code, found)
            found[criterion.code] = criterion
    return tuple(found.values())


def _once(row: Table, code: str | None, before: Collection[str | None]) -> None:
    if code and code in before:
        row.fault("code", f"{shown(code)} stands twice in this offer.", "Give each its own code.")
