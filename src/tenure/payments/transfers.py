"""Money that comes through the bank: the only writer of bank lines and of what they were given to. Steps only.

It decides that a line counts once and is never given twice. It must never decide whom a line is for, nor know what
an order buys. Read next: ``payments/matching.py``, then ``purchases/transfers.py``.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from django.db import connection

from tenure.kernel.access import Actor
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.payments.matching import Rule
from tenure.payments.models import Allocation, BankLine, OutgoingLine, StatementFile, StatementMapping
from tenure.payments.queries import allocated
from tenure.plumbing.db import inside
from tenure.plumbing.together import insert


def bank_line(
    actor: Actor,
    *,
    line_key: str,
    account: str,
    value_on: date,
    amount: Money,
    reference: str,
    payer: str,
    now: datetime,
) -> tuple[BankLine, bool]:
    """Enter a credit from a statement, once per line; returns the row and whether it is new."""
    inside("entering a bank line")
    return BankLine.objects.get_or_create(
        line_key=line_key,
        defaults={
            "account": account,
            "value_on": value_on,
            "booked_on": value_on,
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "reference": reference[:300],
            "payer": payer[:200],
            "recorded_at": now,
            "recorded_by": actor.label,
        },
    )


def keep_mapping(actor: Actor, account: str, columns: dict, now: datetime) -> StatementMapping:
    """Which column of an account's files says what, from now on."""
    row, _ = StatementMapping.objects.update_or_create(
        account=account, defaults={"columns": columns, "saved_at": now, "saved_by": actor.label}
    )
    return row


def one_file_at_a_time() -> None:
    """Wait for another file that is being entered: what both tell of is then known to the second."""
    inside("entering a statement")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('payments.statements'))")


def keep_file(actor: Actor, mark: str, faults: list[dict], now: datetime, **facts) -> StatementFile:
    """The row of a file; one that could not be read whole and comes again has its new faults."""
    inside("entering a statement")
    create = {**facts, "faults": faults, "received_at": now, "received_by": actor.label}
    row, _ = StatementFile.objects.update_or_create(sha256=mark, defaults={"faults": faults}, create_defaults=create)
    return row


def enter_lines(actor: Actor, file: StatementFile, lines: Iterable[dict], now: datetime) -> list[BankLine]:
    """The credits of a file, all in one statement."""
    inside("entering a statement")
    own = {"file": file, "statement": file.name[:60], "recorded_at": now, "recorded_by": actor.label}
    return BankLine.objects.bulk_create(BankLine(**own, **line) for line in lines)


def enter_outgoing(file: StatementFile, lines: Iterable[dict]) -> list[OutgoingLine]:
    """The debits of a file."""
    inside("entering a statement")
    return OutgoingLine.objects.bulk_create(OutgoingLine(file=file, account=file.account, **line) for line in lines)


def leave_to_a_person(line: BankLine, *reasons: str) -> None:
    """What matching was sure of could not be done: the line waits, with the reasons."""
    row = locked_line(line)
    row.rule, row.reasons = "", [*row.reasons, *reasons]
    row.save(update_fields=["rule", "reasons"])


def locked_line(line: BankLine) -> BankLine:
    """The line as it stands now, its row locked until commit: of two clerks on one line the second waits."""
    inside("locking a bank line")
    return BankLine.objects.select_for_update().get(pk=line.pk)


def locked_lines(lines: Iterable[BankLine]) -> dict[int, tuple[BankLine, Money]]:
    """Several lines as they stand now with what each has left, locked in the order of their numbers until commit."""
    inside("locking bank lines")
    rows = BankLine.objects.select_for_update().filter(pk__in=[line.pk for line in lines]).order_by("pk")
    locked = {row.pk: row for row in rows}
    spent: Counter[int] = Counter()
    for id, minor in Allocation.objects.filter(bank_line_id__in=locked).values_list("bank_line_id", "amount_minor"):
        spent[id] += minor
    return {id: (row, row.amount - Money(spent[id], row.currency)) for id, row in locked.items()}


def by_hand(line: BankLine) -> None:
    """A person has said whom a line is for that matching had left to one."""
    inside("matching by hand")
    BankLine.objects.filter(pk=line.pk, rule="").update(rule=Rule.HAND)


def allocate(
    actor: Actor,
    line: BankLine,
    *,
    partner_id: int,
    order_id: int | None,
    amount: Money,
    left: Money,
    now: datetime,
) -> Allocation:
    """Give part of a locked line to an order, or hold it for a partner. Never more than the line has left."""
    inside("giving a line away")
    if line.ignored_at or amount.minor > left.minor:
        raise Refusal("transfers.already_matched")
    return insert(
        Allocation(
            bank_line=line,
            partner_id=partner_id,
            order_id=order_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            at=now,
            by=actor.label,
        )
    )


def use_held(actor: Actor, partner_id: int, order_id: int, wanted: Money, now: datetime) -> Money:
    """Turn money held for a partner into money received for an order; returns how much."""
    inside("using held money")
    missing = wanted - allocated(order_id, wanted.currency)
    used = Money(0, wanted.currency)
    rows = Allocation.objects.select_for_update().filter(partner_id=partner_id, order_id=None, currency=wanted.currency)
    for row in rows.order_by("pk"):
        if missing.minor <= 0:
            break
        take = min(row.amount_minor, missing.minor)
        if take < row.amount_minor:
            row.amount_minor -= take
            row.save(update_fields=["amount_minor"])
            spent = Allocation(bank_line_id=row.bank_line_id, partner_id=partner_id, currency=row.currency)
            spent.amount_minor = take
        else:
            spent = row
        spent.order_id, spent.at, spent.by = order_id, now, actor.label
        spent.save()
        part = Money(take, wanted.currency)
        used, missing = used + part, missing - part
    return used


def release_allocations(order_id: int) -> Money | None:
    """An order ended unpaid: what had come in for it is held for the partner again."""
    rows = list(Allocation.objects.select_for_update().filter(order_id=order_id))
    if not rows:
        return None
    Allocation.objects.filter(pk__in=[row.pk for row in rows]).update(order_id=None)
    return Money(sum(row.amount_minor for row in rows), rows[0].currency)
