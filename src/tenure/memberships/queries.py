"""Reading subscriptions: their standing today, derived from dates, and its twin in SQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import TruncMonth

from tenure.kernel.access import Actor, may
from tenure.memberships.models import Subscription, Term
from tenure.memberships.rules import (
    Standing,
    Status,
    TermDates,
    TermFacts,
    benefits_run,
    first_term,
    renewed_term,
    standing,
)
from tenure.payments.models import Card
from tenure.programme.queries import version
from tenure.programme.rules import Policy


@dataclass(frozen=True, slots=True)
class Holding:
    """A subscription with its newest term, as pages and rules read it."""

    subscription: Subscription
    term: Term

    @property
    def facts(self) -> TermFacts:
        s, t = self.subscription, self.term
        return TermFacts(
            t.expires_on, t.renewal_closes_on, s.held_until, s.cancelled_on, disputed=s.disputed_at is not None
        )

    @property
    def term_id(self) -> int:
        return self.term.pk

    def standing(self, today: date) -> Standing:
        return standing(self.facts, today)

    @property
    def policy(self) -> Policy:
        """The rules this term was bought under (domain.md, decision 11)."""
        return policy_of(self.term)


def policy_of(term: Term) -> Policy:
    return version(term.programme.n).policy(term.policy)


def visible_to(actor: Actor) -> QuerySet[Subscription]:
    if may(actor, "memberships.view"):
        return Subscription.objects.all()
    return Subscription.objects.filter(partner_id__in=actor.grants)


def get(id: int) -> Subscription | None:
    return Subscription.objects.select_related("partner", "card").filter(pk=id).first()


def term(id: int) -> Term:
    return Term.objects.select_related("subscription").get(pk=id)


def facts_of(subscription: Subscription) -> Holding | None:
    """The subscription's newest term; every paid subscription has one."""
    term = Term.objects.select_related("programme").filter(subscription=subscription).order_by("-n").first()
    return Holding(subscription, term) if term else None


def holdings(partner_id: int) -> list[Holding]:
    """All a partner holds or held, the newest first, each with its newest term."""
    terms = (
        Term.objects.filter(partner_id=partner_id)
        .select_related("subscription__card", "programme")
        .order_by("subscription_id", "-n")
        .distinct("subscription_id")
    )
    found = [Holding(term.subscription, term) for term in terms]
    return sorted(found, key=lambda holding: -holding.subscription.pk)


def terms_of_partner(partner_id: int) -> list[Term]:
    """Every term a partner has had, the newest of each subscription first."""
    rows = Term.objects.filter(partner_id=partner_id).select_related("subscription__card", "programme")
    return list(rows.order_by("-subscription_id", "-n"))


def term_of_order(order_id: int) -> Term | None:
    """The term an order has paid for."""
    return Term.objects.select_related("subscription__card", "programme").filter(order_id=order_id).first()


def newest_term_is(term: Term) -> bool:
    """Whether no later term follows on this one."""
    return not Term.objects.filter(subscription_id=term.subscription_id, n__gt=term.n).exists()


def holdings_in(terms: list[Term]) -> list[Holding]:
    """The holdings that ``terms_of_partner`` tells of, the newest first."""
    newest: dict[int, Term] = {}
    for term in terms:
        newest.setdefault(term.subscription_id, term)
    return [Holding(term.subscription, term) for term in newest.values()]


def next_term(holding: Holding | None, paid_on: date, policy: Policy) -> TermDates:
    """The term that a payment on a day would open: what a checkout says before anybody pays."""
    if holding is None:
        return first_term(paid_on, policy)
    return renewed_term(holding.subscription.anchor_on, holding.term.expires_on, paid_on, policy)[1]


def live_holding(partner_id: int, offer: str) -> Holding | None:
    """The subscription that is neither cancelled nor replaced, whatever its dates say."""
    row = Subscription.objects.filter(partner_id=partner_id, offer=offer, cancelled_at=None, superseded_at=None).first()
    return facts_of(row) if row else None


def renewed_by(cards: Iterable[Card]) -> list[Subscription]:
    """The subscriptions that renew by themselves with one of some cards."""
    rows = Subscription.objects.filter(card__in=list(cards), auto_renew=True, cancelled_at=None, superseded_at=None)
    return list(rows.select_related("partner").order_by("pk"))


def terms_of(subscription: Subscription) -> list[Term]:
    return list(subscription.terms.select_related("programme").order_by("-n"))


def benefits_run_on(subscription: Subscription, day: date) -> bool:
    holding = facts_of(subscription)
    return holding is not None and benefits_run(holding.standing(day), holding.policy)


def with_standing(rows: QuerySet[Subscription], today: date) -> QuerySet[Subscription]:
    """The SQL twin of ``standing``: annotates ``status`` and ``suspended``; a property test holds them equal."""
    newest = Term.objects.filter(subscription=OuterRef("pk")).order_by("-n")
    held = Q(held_until__gte=today)
    return rows.annotate(
        expires_on=Subquery(newest.values("expires_on")[:1]),
        renewal_opens_on=Subquery(newest.values("renewal_opens_on")[:1]),
        renewal_closes_on=Subquery(newest.values("renewal_closes_on")[:1]),
        status=Case(
            When(cancelled_on__isnull=False, then=Value(Status.CANCELLED)),
            When(expires_on__gte=today, then=Value(Status.ACTIVE)),
            When(renewal_closes_on__gte=today, then=Value(Status.RENEWAL_WINDOW)),
            When(held, then=Value(Status.RENEWAL_WINDOW)),
            default=Value(Status.LAPSED),
        ),
        suspended=Case(
            When(
                Q(cancelled_on=None) & Q(renewal_closes_on__lt=today) & held,
                then=Value(True),
            ),
            When(Q(cancelled_on=None, disputed_at__isnull=False, renewal_closes_on__gte=today), then=Value(True)),
            default=Value(False),
        ),
    )


def held_by(partner_ids: Iterable[int], today: date) -> dict[int, list[tuple[str, str]]]:
    """What some partners hold or held last: per partner the offers and how they stand, in one query."""
    rows = Subscription.objects.filter(partner_id__in=list(partner_ids), superseded_at=None).order_by("pk")
    found: dict[int, list[tuple[str, str]]] = {}
    told = with_standing(rows, today).values_list("partner_id", "offer", "status", "suspended")
    for partner_id, offer, status, suspended in told:
        found.setdefault(partner_id, []).append((offer, "suspended" if suspended else status))
    return found


def newest_terms() -> QuerySet[Term]:
    """The newest term of every live subscription: where the daily run looks for what is due."""
    newest = Term.objects.filter(subscription=OuterRef("subscription_id")).order_by("-n").values("pk")[:1]
    return Term.objects.filter(
        pk=Subquery(newest), subscription__cancelled_at=None, subscription__superseded_at=None
    ).annotate(offer=F("subscription__offer"))


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """Subscriptions alike in what they will bring: how many of an offer open in a month in a country."""

    offer: str
    country: str
    opens_in: date
    in_window: bool
    auto_renew: bool
    count: int


def live_groups(today: date) -> list[LiveGroup]:
    """All that is active or in its window, counted by offer, country and the month in which renewal opens."""
    rows = (
        newest_terms()
        .filter(Q(renewal_closes_on__gte=today) | Q(subscription__held_until__gte=today))
        .values_list(
            "subscription__offer",
            "partner__country",
            TruncMonth("renewal_opens_on"),
            Case(When(expires_on__lt=today, then=Value(True)), default=Value(False)),
            "subscription__auto_renew",
        )
        .annotate(count=Count("pk"))
        .order_by()
    )
    return [LiveGroup(*row) for row in rows]


def listed(today: date, *, status: str = "", offer: str = "", text: str = "") -> QuerySet[Subscription]:
    """Subscriptions with their standing today, those that expire first on top. A replaced one is history."""
    rows = with_standing(Subscription.objects.filter(superseded_at=None).select_related("partner"), today)
    if status:
        rows = rows.filter(suspended=True) if status == "suspended" else rows.filter(status=status)
    if offer:
        rows = rows.filter(offer=offer)
    if text:
        rows = rows.filter(Q(partner__legal_name__icontains=text) | Q(partner__number=text))
    return rows.order_by("expires_on", "pk")


def how_many() -> int:
    """How many partners hold or held something."""
    return Subscription.objects.values("partner_id").distinct().count()


@dataclass(frozen=True, slots=True)
class Told:
    """A subscription with its newest term in one flat row: what a list tells of it."""

    id: int
    offer: str
    starts_on: date
    expires_on: date
    renewal_opens_on: date
    renewal_closes_on: date
    auto_renew: bool
    cancelled_on: date | None
    card: str | None
    standing: Standing

    @classmethod
    def of(cls, holding: Holding, today: date) -> "Told":
        s, t = holding.subscription, holding.term
        dates = (t.starts_on, t.expires_on, t.renewal_opens_on, t.renewal_closes_on)
        card = str(s.card) if s.card else None
        return cls(s.pk, s.offer, *dates, s.auto_renew, s.cancelled_on, card, holding.standing(today))


FLAT = """
SELECT DISTINCT ON (t.subscription_id)
    t.subscription_id, s.offer, t.starts_on, t.expires_on, t.renewal_opens_on, t.renewal_closes_on,
    s.auto_renew, s.cancelled_on, s.held_until, s.disputed_at, c.brand, c.last4
FROM memberships_term t
JOIN memberships_subscription s ON s.id = t.subscription_id
LEFT JOIN payments_card c ON c.id = s.card_id
WHERE t.partner_id = %s {more}
ORDER BY t.subscription_id DESC, t.n DESC
LIMIT %s
"""


def told(
    partner_id: int,
    today: date,
    *,
    before: int | None = None,
    limit: int,
    offer: str | None = None,
    status: str | None = None,
) -> list[Told]:
    """A part of what a partner holds or held, the newest first. Programs ask for it all day: no row is made."""
    more, given = "", [partner_id]
    if before is not None:
        more, given = more + " AND t.subscription_id < %s", [*given, before]
    if offer is not None:
        more, given = more + " AND s.offer = %s", [*given, offer]
    if status is not None:
        alike = with_standing(Subscription.objects.filter(partner_id=partner_id), today).filter(status=status)
        more, given = more + " AND s.id = ANY(%s)", [*given, list(alike.values_list("pk", flat=True))]
    with connection.cursor() as cursor:
        cursor.execute(FLAT.format(more=more), [*given, limit])
        return [_told(row, today) for row in cursor.fetchall()]


def _told(row: tuple, today: date) -> Told:
    id, offer, starts, expires, opens, closes, auto_renew, cancelled, held_until, disputed, brand, last4 = row
    facts = TermFacts(expires, closes, held_until, cancelled, disputed=disputed is not None)
    card = f"{brand} ···· {last4}" if last4 else None
    return Told(id, offer, starts, expires, opens, closes, auto_renew, cancelled, card, standing(facts, today))
