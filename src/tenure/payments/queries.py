"""Reading attempts, payments and transfers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Count, Exists, F, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncHour

from tenure.kernel.access import Actor, may
from tenure.kernel.money import Money
from tenure.kernel.periods import plus_days
from tenure.payments.models import (
    Allocation,
    Attempt,
    AttemptChange,
    BankLine,
    Card,
    Dispute,
    OutgoingLine,
    Payment,
    Refund,
    RefundApproval,
    StatementFile,
    StatementMapping,
)
from tenure.payments.rules import OPEN, UNANSWERED, Method, RefundKind, RefundStatus


def visible_to(actor: Actor) -> QuerySet[Payment]:
    if may(actor, "billing.view"):
        return Payment.objects.all()
    return Payment.objects.filter(partner_id__in=actor.grants)


def attempts(order_id: int) -> list[Attempt]:
    """An order's attempts, the newest first."""
    return list(Attempt.objects.filter(order_id=order_id).select_related("card").order_by("-n"))


def of_newest_attempt(field: str) -> Subquery:
    """For a list of orders: one field of each order's newest attempt."""
    return Subquery(Attempt.objects.filter(order_id=OuterRef("pk")).order_by("-n").values(field)[:1])


def received_minor() -> Subquery:
    """For a list of orders: what has come in for each by transfer."""
    rows = Allocation.objects.filter(order_id=OuterRef("pk")).values("order_id")
    return Subquery(rows.annotate(received=Sum("amount_minor")).values("received"))


def open_attempt(order_id: int) -> Attempt | None:
    return Attempt.objects.filter(order_id=order_id, status__in=list(OPEN)).select_related("card").first()


def newest_begun(nth: int) -> datetime | None:
    """When the nth newest charge was begun, counted from 0; nothing when there are not so many."""
    return Attempt.objects.order_by("-pk").values_list("committed_at", flat=True)[nth : nth + 1].first()


def charges_begun(since: datetime) -> int:
    return Attempt.objects.filter(committed_at__gt=since).count()


def busiest_hours(since: datetime, until: datetime) -> list[int]:
    """Of each day with charges, how many were begun in its busiest hour."""
    rows = Attempt.objects.filter(committed_at__gt=since, committed_at__lte=until)
    hours = rows.annotate(hour=TruncHour("committed_at")).values("hour").annotate(n=Count("pk"))
    days: Counter[date] = Counter()
    for row in hours:
        days[row["hour"].date()] = max(days[row["hour"].date()], row["n"])
    return list(days.values())


def attempt_before(attempt: Attempt) -> Attempt | None:
    """The attempt at the same order before this one."""
    return Attempt.objects.filter(order_id=attempt.order_id, n=attempt.n - 1).first()


def attempt_of_ref(gateway: str, ref: str) -> Attempt | None:
    return Attempt.objects.filter(gateway=gateway, ref=ref).first()


def attempt_numbered(gateway: str, order_number: str, n: int) -> Attempt | None:
    """Ours by its own numbers, where the gateway has given the payment an id that we have not heard of yet."""
    return Attempt.objects.filter(gateway=gateway, order_number=order_number, n=n).first()


def unknown_order_number(partner_id: int) -> str | None:
    """The order whose payment nobody can vouch for yet: nothing new is charged meanwhile (C4)."""
    return (
        Attempt.objects.filter(partner_id=partner_id, status__in=list(UNANSWERED))
        .values_list("order_number", flat=True)
        .first()
    )


def unresolved() -> QuerySet[Attempt]:
    """Attempts whose end is not known yet, oldest first."""
    return Attempt.objects.filter(status__in=list(OPEN)).order_by("pk")


def unanswered() -> QuerySet[Attempt]:
    """Charges of which nobody can say whether they happened, the longest waiting first."""
    rows = Attempt.objects.filter(status__in=list(UNANSWERED)).select_related("partner")
    return rows.order_by("committed_at", "pk")


def next_ask_at(now: datetime) -> datetime | None:
    """The next instant at which the gateway is to be asked about anything."""
    return min((attempt.asks_at for attempt in unresolved()), default=None)


def next_day_of_disputes(day: date) -> date | None:
    """The day after, while the bank has not decided a dispute."""
    return plus_days(day, 1) if disputes_open().exists() else None


def next_day_of_refunds(day: date) -> date | None:
    """The day after, while any refund is promised and not made."""
    return plus_days(day, 1) if refunds_unfinished().exists() else None


def gateways_charged() -> list[str]:
    """The gateways through which any card was charged."""
    return list(Payment.objects.filter(method=Method.CARD).values_list("attempt__gateway", flat=True).distinct())


def first_charge(gateway: str) -> str:
    """The gateway's id of the first payment it took for us."""
    rows = Payment.objects.filter(attempt__gateway=gateway).exclude(gateway_ref="").order_by("pk")
    return rows.values_list("gateway_ref", flat=True).first() or ""


def attempted_refs(gateway: str, refs: Iterable[str]) -> set[str]:
    """Those of a gateway's payments that are attempts of ours."""
    return set(Attempt.objects.filter(gateway=gateway, ref__in=refs).values_list("ref", flat=True))


def attempted_orders(numbers: Iterable[str]) -> set[str]:
    """Those of some order numbers that we ever tried to charge."""
    return set(Attempt.objects.filter(order_number__in=numbers).values_list("order_number", flat=True))


def lines_set_aside(amounts: Iterable[tuple[int, str]]) -> list[BankLine]:
    """Lines set aside as for no order, of which nothing was given away, of some amounts and currencies."""
    rows = BankLine.objects.filter(ignored_at__isnull=False, allocations=None).order_by("pk")
    wanted = Q()
    for minor, currency in amounts:
        wanted |= Q(amount_minor=minor, currency=currency)
    return list(rows.filter(wanted)) if wanted else []


def payment_of(order_id: int) -> Payment | None:
    return Payment.objects.filter(order_id=order_id).first()


def cards(partner_id: int) -> QuerySet[Card]:
    return Card.objects.filter(partner_id=partner_id, removing_at=None).exclude(token="").order_by("-pk")


def card(id: int, partner_id: int) -> Card | None:
    """A card the partner keeps with us, by its id."""
    return Card.objects.filter(pk=id, partner_id=partner_id, removing_at=None).first()


def cards_like(card: Card) -> list[Card]:
    """The kept tokens of one piece of plastic: gateways may give it a new one each time it is named."""
    same = {"brand": card.brand, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year}
    return list(cards(card.partner_id).filter(**same))


def charge_running_on(rows: Iterable[Card]) -> str | None:
    """The order that is being charged to one of some cards."""
    running = Attempt.objects.filter(card__in=list(rows), status__in=list(OPEN))
    return running.values_list("order_number", flat=True).first()


def removals_unfinished() -> QuerySet[Card]:
    return Card.objects.filter(removing_at__isnull=False, removed_at=None).order_by("pk")


def allocated(order_id: int, currency: str) -> Money:
    """What has been received for an order by transfer."""
    total = Allocation.objects.filter(order_id=order_id, currency=currency).aggregate(s=Sum("amount_minor"))["s"]
    return Money(total or 0, currency)


def allocated_to(order_ids: Iterable[int]) -> Counter[int]:
    """What has been received for each of several orders by transfer, in the order's currency."""
    found: Counter[int] = Counter()
    for row in Allocation.objects.filter(order_id__in=order_ids):
        found[row.order_id or 0] += row.amount_minor
    return found


def held(partner_id: int) -> QuerySet[Allocation]:
    """Money held for a partner, oldest first."""
    return Allocation.objects.filter(partner_id=partner_id, order_id=None).select_related("bank_line").order_by("pk")


def bank_lines() -> QuerySet[BankLine]:
    return BankLine.objects.annotate(allocated=Coalesce(Sum("allocations__amount_minor"), 0))


def given(line: BankLine) -> Money:
    """How much of a line has been given to orders and partners."""
    return Money(sum(line.allocations.values_list("amount_minor", flat=True)), line.currency)


def newest_line_of(order_id: int) -> BankLine | None:
    """The last line that paid towards an order."""
    return BankLine.objects.filter(allocations__order_id=order_id).order_by("-value_on", "-pk").first()


def unmatched() -> QuerySet[BankLine]:
    """Lines that belong to nobody yet, oldest first."""
    return bank_lines().filter(ignored_at=None, allocated__lt=F("amount_minor")).order_by("value_on", "pk")


def refunds_unfinished() -> QuerySet[Refund]:
    return Refund.objects.filter(made_at=None).exclude(status="refused").order_by("pk")


def approvals(request_id: int) -> list[RefundApproval]:
    """Who has agreed to the refund of a request so far, the first first."""
    return list(RefundApproval.objects.filter(request_id=request_id).order_by("pk"))


def refunds_of(order_id: int) -> list[Refund]:
    return list(Refund.objects.filter(payment__order_id=order_id).order_by("pk"))


def line(id: int) -> BankLine | None:
    return bank_lines().filter(pk=id).first()


def given_away(line: BankLine) -> list[Allocation]:
    """Where a line's money went, the first first."""
    return list(line.allocations.select_related("partner").order_by("pk"))


def allocations_of(order_id: int) -> list[Allocation]:
    """What has come in for an order by transfer, the first first."""
    return list(Allocation.objects.filter(order_id=order_id).select_related("bank_line").order_by("pk"))


def part_paid() -> dict[int, datetime]:
    """Orders for which some money has come but not enough, with the instant of the last of it."""
    rows = Allocation.objects.filter(order_id__isnull=False).exclude(order_id__in=Payment.objects.values("order_id"))
    return dict(rows.values_list("order_id").annotate(last=Max("at")))


def told(order_id: int) -> list[Attempt]:
    """An order's attempts, the newest first, each with the history of its status."""
    rows = Attempt.objects.filter(order_id=order_id).select_related("card")
    return list(rows.prefetch_related(Prefetch("changes", AttemptChange.objects.order_by("pk"))).order_by("-n"))


def mapping_of(account: str) -> StatementMapping | None:
    """Which column of an account's files says what, when that has been saved."""
    return StatementMapping.objects.filter(account=account).first()


def file_of(sha256: str) -> StatementFile | None:
    """The file with these bytes, when it has been taken in."""
    return StatementFile.objects.filter(sha256=sha256).first()


def keys_entered(keys: Iterable[str]) -> set[str]:
    """Those of some bank lines' keys that have been entered, whether money came or went."""
    asked = list(keys)
    seen = set(BankLine.objects.filter(line_key__in=asked).values_list("line_key", flat=True))
    return seen | set(OutgoingLine.objects.filter(line_key__in=asked).values_list("line_key", flat=True))


def entered_elsewhere(form: str, since: date, until: date) -> list[tuple[str, date, int, str]]:
    """Account, day and amount of lines that came by hand or in another format: a file may tell of them again."""
    rows = BankLine.objects.filter(value_on__range=(since, until), ignored_at=None)
    rows = rows.filter(Q(file=None) | ~Q(file__form=form))
    return list(rows.values_list("account", "value_on", "amount_minor", "currency"))


def known_accounts(accounts: Iterable[str]) -> dict[str, frozenset[int]]:
    """The partners that some accounts have paid for before."""
    found: dict[str, set[int]] = defaultdict(set)
    rows = Allocation.objects.filter(bank_line__payer_account__in=list(accounts))
    for account, partner in rows.values_list("bank_line__payer_account", "partner_id").distinct():
        found[account].add(partner)
    return {account: frozenset(partners) for account, partners in found.items()}


def lines_to_give(file: StatementFile | None = None) -> QuerySet[BankLine]:
    """Lines that matching was sure of and that have not been given to their order yet."""
    rows = BankLine.objects.filter(allocations=None, ignored_at=None, likely_order_id__isnull=False)
    rows = rows.exclude(rule__in=["", "hand"]).order_by("pk")
    return rows.filter(file=file) if file else rows


def next_day_of_statements(day: date) -> date | None:
    """The day after, while a line is matched and not given to its order."""
    return plus_days(day, 1) if lines_to_give().exists() else None


def transfer_refunds_unseen(order_ids: Iterable[int]) -> list[Refund]:
    """Refunds of transfers that have not been seen leaving the account."""
    rows = Refund.objects.filter(payment__order_id__in=list(order_ids), payment__method=Method.BANK_TRANSFER)
    return list(rows.filter(bank_line=None).exclude(status="refused").select_related("payment").order_by("pk"))


def doubtful_lines(file: StatementFile) -> QuerySet[BankLine]:
    """A file's lines that wait for a person, those with a likely order first."""
    rows = bank_lines().filter(file=file, rule="", ignored_at=None, allocated__lt=F("amount_minor"))
    return rows.order_by(F("likely_order_id").asc(nulls_last=True), "pk")


def statement_files() -> QuerySet[StatementFile]:
    """The bank files taken in, the newest first, each with how many of its lines have found their place."""
    lines = BankLine.objects.filter(file=OuterRef("pk"))
    outgoing = OutgoingLine.objects.filter(file=OuterRef("pk"))
    return StatementFile.objects.annotate(
        entered=_how_many(lines),
        matched=_how_many(lines.filter(Exists(Allocation.objects.filter(bank_line=OuterRef("pk"))))),
        ignored=_how_many(lines.filter(ignored_at__isnull=False)),
        went_out=_how_many(outgoing),
        refunds_seen=_how_many(outgoing.filter(reason="refund")),
    ).order_by("-pk")


def _how_many(rows: QuerySet) -> Coalesce:
    """A count beside each row of a list; joined counts would multiply one another."""
    return Coalesce(Subquery(rows.order_by().values("file").annotate(n=Count("pk")).values("n")), 0)


def refunded_minor(payment: Payment) -> int:
    """What has been given back of a payment, or is promised to be."""
    rows = payment.refunds.exclude(status=RefundStatus.REFUSED)
    return sum(rows.values_list("amount_minor", flat=True))


def payment_of_ref(gateway: str, ref: str) -> Payment | None:
    """Ours by the gateway's id of it."""
    return Payment.objects.filter(attempt__gateway=gateway, gateway_ref=ref).select_related("attempt").first()


def disputes() -> QuerySet[Dispute]:
    """Every dispute, the open ones first, then the newest."""
    rows = Dispute.objects.select_related("payment__partner")
    return rows.order_by(F("closed_at").desc(nulls_first=True), "-opened_at", "-pk")


def dispute_status(gateway: str, ref: str) -> str:
    """How a dispute stands with us; empty when we have not heard of it."""
    return Dispute.objects.filter(gateway=gateway, ref=ref).values_list("status", flat=True).first() or ""


def disputed_refs() -> set[tuple[str, str]]:
    """The payments of which a dispute is known, by gateway and the gateway's id."""
    return set(Dispute.objects.values_list("gateway", "payment__gateway_ref"))


def disputes_open() -> QuerySet[Dispute]:
    return Dispute.objects.filter(closed_at=None).select_related("payment").order_by("pk")


def disputes_of(order_id: int) -> list[Dispute]:
    return list(Dispute.objects.filter(payment__order_id=order_id).order_by("pk"))


def refund_under_way(order_id: int) -> bool:
    """Whether the whole of an order's money is going back, or has gone."""
    rows = Refund.objects.filter(payment__order_id=order_id, kind=RefundKind.FULL)
    return rows.exclude(status=RefundStatus.REFUSED).exists()


def tax_was_given_back(payment: Payment, before: Refund | None) -> bool:
    """Whether the tax of a payment went back by itself before another refund was promised."""
    rows = payment.refunds.exclude(status=RefundStatus.REFUSED).filter(kind=RefundKind.TAX)
    return (rows.filter(pk__lt=before.pk) if before else rows).exists()
