"""Reading orders, and gathering the facts on which buying and renewing are decided."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import SequenceMatcher

from django.db.models import Q, QuerySet

from tenure.billing.queries import come_in, come_in_minor, invoice_number
from tenure.competencies.queries import figures
from tenure.competencies.rules import missing
from tenure.enrolment.queries import agreed_and_exempt
from tenure.kernel.access import Actor, may
from tenure.kernel.money import Money
from tenure.kernel.periods import plus_days
from tenure.memberships.queries import Holding, holdings
from tenure.offers.rules import BuyerFacts, Quote, quote
from tenure.partners.models import Partner
from tenure.partners.rules import ManagedIn, tax_id_is_sound
from tenure.partners.rules import Standing as PartnerStanding
from tenure.payments.models import Attempt, BankLine
from tenure.payments.queries import attempts, of_newest_attempt, unknown_order_number, unresolved
from tenure.payments.queries import part_paid as part_paid_orders
from tenure.payments.rules import UNANSWERED, AttemptStatus, Method
from tenure.programme.queries import current
from tenure.programme.rules import Offer, Programme
from tenure.purchases.models import Draft, Order, Proof
from tenure.purchases.rules import Closing, OrderFacts, OrderStatus, Origin, status


def visible_to(actor: Actor) -> QuerySet[Order]:
    if may(actor, "billing.view"):
        return Order.objects.all()
    return Order.objects.filter(partner_id__in=actor.grants)


def order(number: str) -> Order | None:
    return Order.objects.select_related("partner", "subscription", "card", "programme").filter(number=number).first()


def order_by_id(id: int) -> Order | None:
    return Order.objects.select_related("partner", "subscription").filter(pk=id).first()


def orders_by_id(ids: Iterable[int]) -> dict[int, Order]:
    return Order.objects.select_related("partner").in_bulk(list(ids))


def draft(key) -> Draft | None:
    return Draft.objects.select_related("partner", "subscription", "card").filter(key=key).first()


def order_of(draft: Draft) -> Order | None:
    """The order a checkout has become: its key is the order's."""
    return Order.objects.filter(partner_id=draft.partner_id, idempotency_key=str(draft.key)).first()


def of_partner(partner_id: int) -> QuerySet[Order]:
    return Order.objects.filter(partner_id=partner_id).select_related("card", "subscription").order_by("-id")


def open_automatic(subscription_id: int) -> Order | None:
    """The automatic renewal that is still trying."""
    return open_orders().filter(subscription_id=subscription_id, origin=Origin.AUTO_RENEWAL).first()


def last_automatic(term_id: int) -> Order | None:
    """The newest automatic renewal of a term, however it ended."""
    return Order.objects.filter(renews=term_id, origin=Origin.AUTO_RENEWAL).order_by("-pk").first()


def proofs(order: Order) -> list[Proof]:
    return list(order.proofs.select_related("file").order_by("-id"))


def open_orders() -> QuerySet[Order]:
    return Order.objects.filter(paid_at=None, closed_at=None)


def next_day(day: date) -> date | None:
    """The next day after one on which an open order expires, or may be due a warning."""
    warnings = {policy.order_warning_days for policy in current().policies}
    found = set()
    for placed_on, expires_on in open_orders().values_list("placed_on", "expires_on").distinct():
        found |= {plus_days(expires_on, 1), *(plus_days(placed_on, days) for days in warnings)}
    return min((due for due in found if due > day), default=None)


def awaiting_transfers() -> QuerySet[Order]:
    """Orders that a transfer could be for, the oldest first."""
    return open_orders().filter(method=Method.BANK_TRANSFER).select_related("partner").order_by("placed_at", "id")


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as a page shows it."""

    order: Order
    status: OrderStatus
    received: Money
    missing: Money
    decline: str
    """Why the newest attempt was declined."""
    attempt: str = ""
    """The status of the newest attempt to charge."""
    unopened: bool = False
    """The card page never opened, so nobody has been charged; asking again opens the same page."""
    invoice: str = ""
    asks_at: datetime | None = None
    """When the gateway is asked next about a charge without an answer."""


def view(order: Order, today: date) -> OrderView:
    """One order with everything its page needs. Lists use ``views``."""
    tries = attempts(order.pk) if order.method == Method.CARD else []
    newest = tries[0] if tries else None
    received = come_in(order.pk, order.currency) if order.method == Method.BANK_TRANSFER else Money(0, order.currency)
    seen = _view(
        order,
        today,
        received.minor,
        attempt=newest.status if newest else "",
        decline=newest.decline_code if newest else "",
        page=newest is not None and newest.card_id is None and not newest.page_path,
    )
    return replace(seen, asks_at=newest.asks_at) if newest and seen.status is OrderStatus.CHECKING else seen


def views(rows: QuerySet[Order], today: date) -> list[OrderView]:
    """Orders of a list, each with its status, in one query."""
    told = rows.annotate(
        attempt_status=of_newest_attempt("status"),
        attempt_decline=of_newest_attempt("decline_code"),
        attempt_page=of_newest_attempt("page_path"),
        attempt_card=of_newest_attempt("card_id"),
        received=come_in_minor(),
        invoice_number=invoice_number(),
    )
    return [
        _view(
            order,
            today,
            order.received or 0,
            attempt=order.attempt_status or "",
            decline=order.attempt_decline or "",
            page=order.attempt_card is None and not order.attempt_page,
            invoice=order.invoice_number or "",
        )
        for order in told
    ]


def of_subscription(subscription_id: int, today: date) -> list[OrderView]:
    """The orders that paid for a subscription or want to, the newest first."""
    return views(Order.objects.filter(subscription_id=subscription_id).select_related("card").order_by("-id"), today)


def _view(
    order: Order, today: date, received_minor: int, *, attempt: str, decline: str, page: bool, invoice: str = ""
) -> OrderView:
    nothing, received = Money(0, order.currency), Money(received_minor, order.currency)
    return OrderView(
        order,
        status(_facts(order, attempt or None, received_minor), today),
        received,
        order.total - received if received and order.paid_at is None else nothing,
        decline if attempt == AttemptStatus.DECLINED else "",
        attempt,
        unopened=page and attempt in (AttemptStatus.NEW, AttemptStatus.CALLING),
        invoice=invoice,
    )


def _facts(order: Order, attempt: str | None, received_minor: int) -> OrderFacts:
    return OrderFacts(
        Method(order.method),
        order.expires_on,
        order.paid_at is not None,
        order.refunded_at is not None,
        Closing(order.closing) if order.closing else None,
        AttemptStatus(attempt) if attempt else None,
        received_minor,
    )


def status_of(order: Order, today: date) -> OrderStatus:
    return view(order, today).status


@dataclass(frozen=True, slots=True)
class Buyer:
    """A partner as the offers page and every checkout see it: what it holds, and what is open."""

    partner: Partner
    programme: Programme
    today: date
    holdings: list[Holding]
    open: dict[str, Order]
    unknown: str | None
    figures: dict[str, dict[str, int]]
    exempt: bool
    agreed: bool = True

    def holding(self, offer: str) -> Holding | None:
        """The subscription that counts for an offer: the one neither cancelled nor replaced."""
        return next(
            (
                h
                for h in self.holdings
                if h.subscription.offer == offer
                and h.subscription.cancelled_at is None
                and h.subscription.superseded_at is None
            ),
            None,
        )

    def running(self, offer: str) -> Order | None:
        """The open order that stands in the way of another; a renewal by hand ends the automatic one first."""
        order = self.open.get(offer)
        return order if order and order.origin != Origin.AUTO_RENEWAL else None

    def facts(self, offer: Offer) -> BuyerFacts:
        """What stands for and against an order for one offer."""
        running = self.running(offer.code)
        return BuyerFacts(
            agreed=self.agreed,
            verified=self.partner.verified_at is not None,
            suspended=self.partner.standing in (PartnerStanding.SUSPENDED, PartnerStanding.CLOSED),
            managed_here=self.partner.managed_in == ManagedIn.HERE,
            held=frozenset(
                h.subscription.offer
                for h in self.holdings
                if h.subscription.superseded_at is None and h.standing(self.today).live
            ),
            open_order=running.number if running else None,
            unknown_order=self.unknown,
            missing=missing(offer, self.figures.get(offer.code, {})),
        )

    def quote(self, offer: Offer) -> Quote:
        country, number = self.partner.country, self.partner.tax_id
        return quote(
            self.programme,
            offer,
            country,
            self.today,
            exempt=self.exempt,
            vat_registered=bool(number) and tax_id_is_sound(country, number),
        )


def buyer(partner: Partner, programme: Programme, today: date, *, asked: bool = True) -> Buyer:
    """Gather a partner's facts in a handful of queries. What nobody asks for now was agreed to when it was bought."""
    running = Order.objects.filter(partner=partner, paid_at=None, closed_at=None, expires_on__gte=today)
    unknown = unknown_order_number(partner.pk)
    return _buyer(partner, programme, today, holdings(partner.pk), list(running), unknown, asked)


def buyer_with(
    partner: Partner, programme: Programme, today: date, held: list[Holding], orders: list[OrderView]
) -> Buyer:
    """The same facts for a page that has read all the partner's terms and orders already."""
    running = [v.order for v in orders if v.order.open and v.order.expires_on >= today]
    asked = (v.order.number for v in orders if v.attempt in UNANSWERED)
    return _buyer(partner, programme, today, held, running, next(asked, None), True)


def _buyer(
    partner: Partner,
    programme: Programme,
    today: date,
    held: list[Holding],
    running: list[Order],
    unknown: str | None,
    asked: bool,
) -> Buyer:
    agreed, exempt = agreed_and_exempt(partner, programme, today)
    return Buyer(
        partner,
        programme,
        today,
        held,
        {order.offer: order for order in running},
        unknown,
        figures(partner.pk),
        exempt,
        agreed or not asked,
    )


def methods(facts: Buyer, offer: Offer) -> list[Method]:
    """The ways an offer can be paid: those it names, a transfer only where there is an account in the currency."""
    accounts = facts.programme.seller.bank_accounts
    currency = facts.programme.currency_of(facts.partner.country)
    return [Method(m) for m in offer.methods if m != Method.BANK_TRANSFER or currency in accounts]


def part_paid(today: date) -> list[tuple[OrderView, datetime]]:
    """Transfer orders for which too little has come, with the instant of the last of it, the longest waiting first."""
    since = part_paid_orders()
    rows = views(awaiting_transfers().filter(pk__in=since), today)
    return sorted(((row, since[row.order.pk]) for row in rows), key=lambda pair: pair[1])


def proofs_waiting() -> QuerySet[Proof]:
    """Proofs of transfers that have not paid their order yet, the oldest first."""
    rows = Proof.objects.filter(order__paid_at=None, order__closed_at=None)
    return rows.select_related("order", "partner", "file").defer("file__content").order_by("uploaded_at", "pk")


def proof(id: int) -> Proof | None:
    return Proof.objects.select_related("file").filter(pk=id).first()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order a transfer may be for, and what speaks for it: ``reference``, ``amount``, ``payer`` or ``partner``."""

    order: Order
    missing: Money
    gap: Money
    """What the transfer brings beyond what is missing; negative when it is short."""
    reasons: tuple[str, ...]


WEIGHTS = {"reference": 8, "amount": 4, "payer": 2, "partner": 2}
CANDIDATES = 12


def candidates(line: BankLine, left: Money) -> list[Candidate]:
    """Unpaid transfer orders in the line's currency for which something speaks, the likeliest first.

    It proposes and never decides: a person matches. Orders that ran out are among them as long as the money
    was sent in time.
    """
    unpaid = Order.objects.filter(method=Method.BANK_TRANSFER, currency=line.currency, paid_at=None)
    unpaid = unpaid.filter(Q(closed_at=None) | Q(closing=Closing.EXPIRED), expires_on__gte=line.value_on)
    found = []
    for order in unpaid.select_related("partner").annotate(received=come_in_minor()).order_by("pk"):
        missing = order.total - Money(order.received or 0, order.currency)
        given = (line.reference, line.payer)
        reasons = likeness(*given, order.number, order.partner.number, order.partner.legal_name, left == missing)
        if reasons:
            found.append(Candidate(order, missing, left - missing, reasons))
    return sorted(found, key=lambda c: (-sum(WEIGHTS[r] for r in c.reasons), abs(c.gap.minor)))[:CANDIDATES]


def likeness(reference: str, payer: str, number: str, partner: str, name: str, exact: bool) -> tuple[str, ...]:
    """What speaks for a transfer being an order's.

    >>> likeness("order 2019-000418 thanks", "CONTOSO TAIWAN", "O-2019-000418", "1234566", "Contoso Taiwan Ltd", True)
    ('reference', 'amount', 'payer')
    >>> likeness("fee 1234566", "J. Smith", "O-2019-000418", "1234566", "Contoso Taiwan Ltd", False)
    ('partner',)
    """
    digits = re.sub(r"\D", "", reference)
    speaks = {
        "reference": re.sub(r"\D", "", number) in digits,
        "amount": exact,
        "payer": bool(payer) and _alike(payer, name),
        "partner": partner in digits,
    }
    return tuple(reason for reason, so in speaks.items() if so)


LEGAL_FORMS = re.compile(r"\b(co|ltd|limited|inc|llc|gmbh|ag|as|corp|company)\b|股份有限公司|有限公司|公司")


def _alike(one: str, other: str) -> bool:
    """Whether two spellings may be one company's name, legal forms and marks aside."""
    first, second = (
        " ".join(re.findall(r"\w+", LEGAL_FORMS.sub(" ", unicodedata.normalize("NFKC", name).casefold())))
        for name in (one, other)
    )
    if len(min(first, second, key=len)) < 2:
        return False
    return first in second or second in first or SequenceMatcher(None, first, second).ratio() >= 0.8


def to_ask(now: datetime) -> list[Attempt]:
    """Attempts about which the gateway is to be asked by now, oldest first.

    One whose order has ended meanwhile does not wait for its turn: nobody may pay on an open page any more.
    """
    waiting = list(unresolved())
    closed = Order.objects.filter(pk__in=[attempt.order_id for attempt in waiting], closed_at__isnull=False)
    ended = dict(closed.values_list("pk", "closed_at"))

    def overdue(attempt: Attempt) -> bool:
        end = ended.get(attempt.order_id)
        return end is not None and (attempt.asked_at is None or attempt.asked_at < end)

    return [attempt for attempt in waiting if attempt.asks_at <= now or overdue(attempt)]
