"""Taking in a bank's file: every line entered once, matched where that is certain, and left to a person where not.

Entering is one transaction for the file, so two clerks with one file make one import. Giving lines to their orders
goes lot by lot, and line by line where a lot fails, so that one line holds up no other; what a crash cut off is
finished by the next tick. It must never decide whom a line is for: ``payments/matching.py`` does. Read next:
``purchases/transfers.py``.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from tenure import events
from tenure.billing import actions as billing
from tenure.billing.queries import come_in_minor
from tenure.kernel.access import SYSTEM, Actor, Side
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.queries import all_names
from tenure.payments import transfers as payments
from tenure.payments.debits import Debit, Gone, Promised, match_debits, names_in
from tenure.payments.matching import Candidate, Credit, Doubt, Known, Match, Why, match_all, numbers_in, suspects
from tenure.payments.models import BankLine, Refund, StatementFile, StatementMapping
from tenure.payments.queries import (
    entered_elsewhere,
    file_of,
    keys_entered,
    known_accounts,
    lines_to_give,
    mapping_of,
    transfer_refunds_unseen,
)
from tenure.payments.rules import Method, references_in
from tenure.payments.statements.base import Statement, StatementLine, Unreadable, blotted, plain, tidy
from tenure.payments.statements.delimited import Mapping
from tenure.payments.statements.reading import read
from tenure.plumbing.db import beat, crash_point, inside, verb
from tenure.plumbing.outbox import open_task, record
from tenure.programme.queries import current
from tenure.programme.rules import Programme
from tenure.purchases.models import Order
from tenure.purchases.rules import Closing
from tenure.purchases.transfers import apply_transfer, apply_transfers

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
ENOUGH = 20
"""Lines that may fail before a round of giving is broken off."""
ASKS: dict[str, str] = {
    Gone.REVERSAL: "transfer_reversed",
    Gone.SEVERAL: "transfer_out",
    Gone.OTHER_AMOUNT: "transfer_out",
    Gone.WRONG_CURRENCY: "transfer_out",
}
"""Debits that a person has to look at, and as what."""
LOT = 50
"""Lines given to their orders in one transaction."""

# VERBS


@verb(Side.STAFF, money=True)
def import_statement(
    actor: Actor,
    subject: None,
    *,
    content: bytes,
    name: str,
    account: str = "",
    now: datetime,
    at_once: int | None = None,
    progress: Progress | None = None,
) -> StatementFile:
    """Take in a bank's file; the same file, or a line another file has told of, counts once.

    ``at_once`` says how many lines are given to their orders before it returns; the next tick gives the others.
    """
    programme = current()
    statement = readable(content, account, programme)
    with beat():
        file = _enter(actor, statement, content, name, programme, now)
    crash_point("statement_entered")
    give_lines(actor, now, file=file, at_most=at_once, progress=progress)
    return file


@verb(Side.STAFF)
def save_mapping(actor: Actor, subject: None, *, account: str, mapping: Mapping, now: datetime) -> StatementMapping:
    """Keep which column of an account's files says what."""
    if faults := mapping.faults():
        raise Invalid(faults)
    if account not in current().seller.bank_accounts.values():
        raise Invalid({"account": "choice.unknown"})
    columns = {name: getattr(mapping, name) for name in Mapping.__dataclass_fields__}
    return payments.keep_mapping(actor, account, columns, now)


# STEPS


def readable(content: bytes, account: str, programme: Programme) -> Statement:
    """The statement in a file, its accounts in the programme's own spelling; refused when it is none of ours."""
    currency = next((c for c, a in programme.seller.bank_accounts.items() if a == account), "")
    if account and not currency:
        raise Refusal("statements.account_unknown", account=account)
    kept = mapping_of(account)
    mapping = Mapping.of(kept.columns) if kept else None
    try:
        statement = read(content, mapping=mapping, account=account, currency=currency)
    except Unreadable as fault:
        raise Refusal(f"statements.{fault.reason}", line=fault.line, detail=fault.detail) from None
    for told in statement.accounts:
        if home(told, programme) is None and not account:
            raise Refusal("statements.account_unknown", account=told)
    return statement


def foretold(content: bytes, account: str, programme: Programme) -> dict[str, Any]:
    """What taking a file in would do, without doing it."""
    statement = readable(content, account, programme)
    new = _unknown(statement.lines)
    credits = [line for line in new if line.amount.minor > 0]
    asked = _credits(statement.form, credits, programme) if credits else []
    words = match_all(asked, _known(asked)) if asked else []
    sure = sum(isinstance(word, Match) for word in words)
    return {
        "form": statement.form,
        "entered": len(credits),
        "matched": sure,
        "doubtful": len(credits) - sure,
        "known": len(statement.lines) - len(new),
        "went_out": len(new) - len(credits),
        "pending": statement.pending,
        "faults": faults_of(statement),
    }


def faults_of(statement: Statement) -> list[dict[str, Any]]:
    """What could not be read, as it is kept and told."""
    return [{"line": f.line, "reason": f.reason, "detail": f.detail} for f in statement.faults[:500]]


def home(told: str, programme: Programme) -> str | None:
    """The programme's account that a bank's file means, however the bank writes it."""
    asked = plain(told)
    for account in programme.seller.bank_accounts.values():
        ours = plain(account)
        if asked and (ours in asked or (len(asked) >= 8 and asked in ours)):
            return account
    return None


def _enter(
    actor: Actor, statement: Statement, content: bytes, name: str, programme: Programme, now: datetime
) -> StatementFile:
    """The file's row and its new lines, each with the word on it. One file at a time, so none is entered twice."""
    payments.one_file_at_a_time()
    mark = hashlib.sha256(content).hexdigest()
    file = file_of(mark)
    if file and not file.faults:
        return file
    # A file that could not be read whole may be read again: a better mapping, or a mended programme.
    new = _unknown(statement.lines)
    faults = faults_of(statement)
    file = payments.keep_file(
        actor,
        mark,
        faults,
        now,
        name=tidy(blotted(name), 200),
        form=statement.form,
        account=home(statement.accounts[0], programme) or statement.accounts[0] if statement.accounts else "",
        known=len(statement.lines) - len(new),
        pending=statement.pending,
    )
    _enter_credits(actor, file, [line for line in new if line.amount.minor > 0], programme, now)
    _enter_debits(file, [line for line in new if line.amount.minor < 0], now)
    return file


def _unknown(lines: Iterable[StatementLine]) -> list[StatementLine]:
    rows = list(lines)
    seen = keys_entered(line.line_key for line in rows)
    return [line for line in rows if line.line_key not in seen]


def _enter_credits(
    actor: Actor, file: StatementFile, lines: list[StatementLine], programme: Programme, now: datetime
) -> None:
    inside("entering a statement")
    if not lines:
        return
    credits = _credits(file.form, lines, programme)
    words = match_all(credits, _known(credits))
    told = (_as_row(line, word, programme) for line, word in zip(lines, words, strict=True))
    rows = payments.enter_lines(actor, file, told, now)
    billing.post_bank_lines(rows, programme, now)
    received = [events.TransferReceived(subject=f"bank_line:{row.pk}", line=row.pk) for row in rows]
    record(actor, "purchases.import_statement", now, *received)


def _as_row(line: StatementLine, word: Match | Doubt, programme: Programme) -> dict[str, Any]:
    return {
        "line_key": line.line_key,
        "account": home(line.account, programme) or line.account,
        "value_on": line.value_on,
        "booked_on": line.booked_on,
        "amount_minor": line.amount.minor,
        "currency": line.amount.currency,
        "reference": tidy(f"{line.reference} {line.text}"),
        "payer": tidy(line.payer, 200),
        "payer_account": plain(line.payer_account),
        "rule": word.rule if isinstance(word, Match) else "",
        "reasons": list(word.reasons),
        "likely_order_id": word.order,
    }


def _credits(form: str, lines: list[StatementLine], programme: Programme) -> list[Credit]:
    """The lines as matching asks about them; one that may have been entered by hand or in another format says so."""
    elsewhere = Counter(entered_elsewhere(form, min(x.value_on for x in lines), max(x.value_on for x in lines)))
    found = []
    for line in lines:
        account = home(line.account, programme) or line.account
        same = (account, line.value_on, line.amount.minor, line.amount.currency)
        again = elsewhere[same] > 0
        elsewhere[same] -= again
        found.append(
            Credit(
                line.amount.minor,
                line.amount.currency,
                line.value_on,
                " | ".join(part for part in (line.reference, line.text, line.end_to_end) if part),
                line.payer,
                plain(line.payer_account),
                line.reversal,
                again,
            )
        )
    return found


def _known(credits: list[Credit]) -> Known:
    """All that matching may know, read once: orders that wait, orders the file names, every partner's name."""
    references = {found for credit in credits for found in references_in(credit.text)}
    numbers = {f"O-{n[:4]}-{n[4:]}" for credit in credits for n in numbers_in(credit.text)}
    references |= suspects(credit.text for credit in credits)
    earliest = min(credit.value_on for credit in credits)
    waiting = Q(paid_at=None, method=Method.BANK_TRANSFER, expires_on__gte=earliest)
    waiting &= Q(closed_at=None) | Q(closing=Closing.EXPIRED)
    rows = Order.objects.filter(waiting | Q(reference__in=references) | Q(number__in=numbers))
    rows = rows.annotate(received=come_in_minor())
    newest: dict[tuple[int, str], int] = defaultdict(int)
    orders = list(rows)
    for order in orders:
        newest[order.partner_id, order.offer] = max(newest[order.partner_id, order.offer], order.pk)
    candidates = [_candidate(row, row.received or 0, newest[row.partner_id, row.offer]) for row in orders]
    return Known.of(candidates, all_names(), known_accounts({c.payer_account for c in credits if c.payer_account}))


def _candidate(order: Order, received_minor: int, newest: int) -> Candidate:
    waits = order.paid_at is None and order.closing != Closing.CANCELLED and (order.open or order.pk == newest)
    return Candidate(
        order.pk,
        order.number,
        order.reference,
        order.partner_id,
        order.currency,
        order.total_minor - received_minor,
        order.expires_on,
        payable=waits,
        by_transfer=order.method == Method.BANK_TRANSFER,
    )


def _enter_debits(file: StatementFile, lines: list[StatementLine], now: datetime) -> None:
    """Money that went out: a refund we had promised, known by its order; anything else is kept with its reason."""
    if not lines:
        return
    debits = [Debit(-line.amount, tidy(f"{line.reference} {line.text}"), line.reversal) for line in lines]
    told = set().union(*(names_in(debit.text) for debit in debits))
    orders = {order.pk: order for order in Order.objects.filter(Q(number__in=told) | Q(reference__in=told))}
    refunds = {refund.pk: refund for refund in transfer_refunds_unseen(orders)}
    words = match_debits(debits, [_promised(refund, orders) for refund in refunds.values()])
    rows = [
        {
            "line_key": line.line_key,
            "value_on": line.value_on,
            "amount_minor": debit.amount.minor,
            "currency": debit.amount.currency,
            "text": debit.text,
            "payee": tidy(line.payer, 200),
            "reason": gone,
            "refund": refunds.get(refund),
        }
        for line, debit, (gone, refund) in zip(lines, debits, words, strict=True)
    ]
    for entered in payments.enter_outgoing(file, rows):
        if kind := ASKS.get(entered.reason):
            open_task(kind, f"outgoing:{entered.pk}", None, f"{entered.amount} {entered.text}", now)


def _promised(refund: Refund, orders: dict[int, Order]) -> Promised:
    order = orders[refund.payment.order_id]
    return Promised(refund.pk, refund.amount, order.number, order.reference)


def give_lines(
    actor: Actor,
    now: datetime,
    *,
    file: StatementFile | None = None,
    at_most: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Give every line that is matched and not given yet to its order: a lot at a time, one by one where a lot fails."""
    waiting = list(lines_to_give(file)[:at_most])
    orders = Order.objects.in_bulk([line.likely_order_id for line in waiting])
    done = broken = 0
    for lot in lots([(line, orders[line.likely_order_id]) for line in waiting]):
        if not _given_together(actor, lot, now):
            for line, order in lot:
                broken += not _given(actor, line, order, now)
                if broken == ENOUGH:
                    # Not the lines are at fault but the house: the next tick tries again.
                    return len(waiting)
        done += len(lot)
        if progress:
            progress(done, len(waiting))
    return len(waiting)


def lots(pairs: Iterable[tuple[BankLine, Order]], size: int = LOT) -> list[list[tuple[BankLine, Order]]]:
    """Lines to be given in one go: never two of one partner, whose second is given after what the first has done."""
    rounds: dict[int, list[tuple[BankLine, Order]]] = defaultdict(list)
    seen: Counter[int] = Counter()
    for line, order in pairs:
        rounds[seen[order.partner_id]].append((line, order))
        seen[order.partner_id] += 1
    return [turn[n : n + size] for turn in rounds.values() for n in range(0, len(turn), size)]


def _given_together(actor: Actor, lot: list[tuple[BankLine, Order]], now: datetime) -> bool:
    """Whether all lines of a lot were given. If any cannot be, none was, and each has to be tried by itself."""
    try:
        with beat():
            apply_transfers(actor, lot, now)
    except Refusal:
        return False
    except Exception:
        log.exception("%s bank lines could not be given together", len(lot))
        return False
    return True


def _given(actor: Actor, line: BankLine, order: Order, now: datetime) -> bool:
    """Give one line to its order, or leave it to a person; whether nothing broke."""
    try:
        with beat():
            apply_transfer(actor, line, order, now)
    except Refusal as refusal:
        if refusal.code == "transfers.already_matched":
            # Somebody was faster, a clerk or another worker: the line has found its place.
            return True
        with beat():
            payments.leave_to_a_person(line, Why.REFUSED, refusal.code)
    except Exception:
        log.exception("bank line %s could not be given to its order", line.pk)
        with beat():
            open_task("transfer", f"bank_line:{line.pk}", None, line.rule, now)
        return False
    return True


# JOBS ask for this as the system.


def finish_statements(now: datetime) -> int:
    """Give the lines of a file whose import was cut off."""
    return give_lines(SYSTEM, now)
