"""Ending a month: revenue that has been earned is recognised, then a person closes the month for good.

It decides which month may be closed and that nothing unexplained is closed with it. It must never post into a
month that is closed, nor recognise a day twice. Read next: ``billing/ledger.py``; ``billing/reconciling.py`` for the
gateways' lists.
"""

from datetime import date, datetime

from django.db import connection

from tenure import events
from tenure.billing.actions import hold_books
from tenure.billing.ledger import last_day, month_after, month_of, written
from tenure.billing.models import ClosedMonth, RecognisedMonth
from tenure.billing.queries import (
    EARNED,
    LINES,
    closed,
    differences,
    first_month,
    months_to_close,
    months_to_recognise,
    trial_balance,
)
from tenure.kernel.access import Actor, Side, declare
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Refusal
from tenure.plumbing.db import beat, inside, verb
from tenure.plumbing.outbox import record
from tenure.programme.queries import current

declare("billing.books", Side.STAFF, says="See the books: balances, months, the journal, the gateway's list.")

# VERBS


@verb(Side.STAFF)
def close_month(actor: Actor, subject: None, *, month: date, now: datetime) -> ClosedMonth:
    """Close a month that is over, after the one before it. It is not opened again: what is late belongs to the next.

    Asking twice changes nothing. The balances it ended with are kept with it.
    """
    month, today = month_of(month), day_of(now, current().zone)
    hold_books()
    if found := closed(month):
        return found
    if month >= month_of(today):
        raise Refusal("books.month_not_over", month=written(month), closes_on=month_after(month))
    waiting = months_to_close(today)
    if not waiting or month < waiting[0]:
        raise Refusal("books.before_the_books", month=written(month))
    if month > waiting[0]:
        raise Refusal("books.close_earlier_first", month=written(month), first=written(waiting[0]))
    for due in months_to_recognise(today):
        if due <= month:
            recognise_month(due, now)
    if unexplained := differences(month):
        raise Refusal("books.differences", month=written(month), count=len(unexplained))
    balances: dict[str, dict[str, int]] = {}
    for account, currency, minor in trial_balance(last_day(month)):
        balances.setdefault(currency, {})[account] = minor
    row = ClosedMonth.objects.create(month=month, closed_at=now, closed_by=actor.label, balances=balances)
    event = events.MonthClosed(subject=f"month:{written(month)}", month=written(month))
    record(actor, "billing.close_month", now, event)
    return row


# STEPS

RECOGNISE = f"""
WITH open AS (
  SELECT order_id, currency, -sum(amount_minor) AS deferred FROM billing_posting
  WHERE account = 'deferred_revenue' GROUP BY order_id, currency HAVING sum(amount_minor) <> 0
), lines AS (
  {LINES}
), still AS (
  SELECT order_id, currency, sum(net - {EARNED}) AS minor FROM lines JOIN open USING (order_id, currency)
  GROUP BY order_id, currency
), due AS (
  SELECT i.id, i.partner_id, i.order_id, i.currency, (o.deferred - s.minor)::bigint AS minor
  FROM open o JOIN still s USING (order_id, currency)
  JOIN billing_invoice i ON i.order_id = o.order_id AND i.currency = o.currency AND i.kind = 'invoice'
  WHERE o.deferred > s.minor AND i.issued_on <= %(through)s
), made AS (
  INSERT INTO billing_ledgertransaction (cause_type, cause_id, kind, partner_id, posted_at, posted_on)
  SELECT 'invoice', id, %(kind)s, partner_id, %(now)s, %(through)s FROM due ORDER BY id
  RETURNING id, cause_id
), posted AS (
  INSERT INTO billing_posting (transaction_id, account, currency, amount_minor, order_id)
  SELECT m.id, e.account, d.currency, e.sign * d.minor, d.order_id
  FROM made m JOIN due d ON d.id = m.cause_id
  CROSS JOIN (VALUES ('deferred_revenue', 1), ('revenue', -1)) e (account, sign) ORDER BY m.id, e.sign DESC
  RETURNING transaction_id
)
SELECT count(DISTINCT transaction_id) FROM posted
"""


def recognise_month(month: date, now: datetime) -> int:
    """Post what a month has earned, all invoices in one statement; returns how many. A month done is not done again."""
    inside("recognising a month")
    hold_books()
    if RecognisedMonth.objects.filter(month=month).exists():
        return 0
    through = last_day(month)
    with connection.cursor() as cursor:
        cursor.execute(RECOGNISE, {"through": through, "kind": f"recognised:{written(month)}", "now": now})
        (count,) = cursor.fetchone()
    RecognisedMonth.objects.create(month=month, invoices=count, recognised_at=now)
    return count


# JOBS ask for these as the system.


def recognise(now: datetime) -> int:
    """Recognise every month that is over and still to be done; returns how many invoices were posted."""
    done = 0
    for month in months_to_recognise(day_of(now, current().zone)):
        with beat():
            done += recognise_month(month, now)
    return done


def next_day(day: date) -> date | None:
    """The day on which the next month can be recognised: the first after a month with books."""
    return month_after(day) if first_month() else None


def next_to_close(today: date) -> date | None:
    """The one month that may be closed now."""
    return next(iter(months_to_close(today)), None)
