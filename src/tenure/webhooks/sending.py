"""Sending what is owed: each delivery by one worker at a time, signed, bounded, logged, and tried again for days.

It decides when a delivery has arrived, when it is tried again, and when an endpoint is shut. It must never send
while a transaction is open, nor under another id than the event's: a worker that dies after sending sends the same
id again, which receivers are told to expect. Read next: ``webhooks/rules.py``; ``plumbing/outgoing.py``.
"""

import json
import logging
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from standardwebhooks import Webhook

from tenure import events
from tenure.kernel.access import SYSTEM
from tenure.plumbing import clock, outgoing
from tenure.plumbing.crash import passes
from tenure.plumbing.db import beat, outside_transaction
from tenure.plumbing.outbox import open_task, record
from tenure.plumbing.sealed import unseal
from tenure.webhooks.actions import TASK, shut
from tenure.webhooks.feed import end, told
from tenure.webhooks.models import SECRET, Delivery, Endpoint, Entry, Secret, Sending
from tenure.webhooks.rules import SHUT_AFTER, Status, Verdict, asked_to_wait, next_try, rest, verdict

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)
IN_A_ROW = 50
SHOWN = 1024
HEADERS_SHOWN = 20
KEPT_INSIDE = ("set-cookie", "authorization", "proxy-authenticate", "www-authenticate")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try."""

    verdict: Verdict
    answer: outgoing.Answer | None = None
    fault: str = ""
    ms: int = 0
    wait: timedelta | None = None


def deliver(now: datetime, *, hands: int = 1, seconds: float = 10.0) -> int:
    """Send what is due, with so many hands and for so long at most; how many tries were made."""
    outside_transaction("sending webhooks")
    until = time.monotonic() + seconds
    if hands == 1:
        return _shift(now, until)
    with ThreadPoolExecutor(hands, thread_name_prefix="webhooks") as pool:
        return sum(pool.map(lambda _: _hand(now, until), range(hands)))


def _hand(now: datetime, until: float) -> int:
    try:
        return _shift(now, until)
    finally:
        connection.close()


def _shift(now: datetime, until: float) -> int:
    done = 0
    while time.monotonic() < until and (endpoint := claim(now)) is not None:
        done += _serve(endpoint, now, until)
    return done


def claim(now: datetime) -> Endpoint | None:
    """Take an endpoint that something is due to, for a minute: nobody else sends to it meanwhile."""
    machine = clock.machine()
    due = Delivery.objects.filter(endpoint=OuterRef("pk"), state="due", due_at__lte=now)
    with beat():
        endpoint = (
            Endpoint.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .filter(Q(leased_until=None) | Q(leased_until__lt=machine), Exists(due), status=Status.ACTIVE)
            .filter(Q(resting_until=None) | Q(resting_until__lte=now))
            .order_by(F("leased_until").asc(nulls_first=True), "pk")
            .first()
        )
        if endpoint:
            endpoint.lease, endpoint.leased_until = uuid.uuid4(), machine + LEASE
            endpoint.save(update_fields=["lease", "leased_until"])
    passes("webhook.claimed")
    return endpoint


def _serve(endpoint: Endpoint, now: datetime, until: float) -> int:
    """One delivery after another, in the order of the feed, while the receiver answers."""
    done = 0
    while done < IN_A_ROW and time.monotonic() < until and _ours(endpoint):
        due = endpoint.deliveries.filter(state="due", due_at__lte=now)
        delivery = due.select_related("entry").order_by("due_at", "entry__position").first()
        if delivery is None:
            break
        done += 1
        if not _attempt(endpoint, delivery, now):
            break
    Endpoint.objects.filter(pk=endpoint.pk, lease=endpoint.lease).update(lease=None, leased_until=clock.machine())
    return done


def _ours(endpoint: Endpoint) -> bool:
    """Hold on to an endpoint for another minute; a worker that slept too long finds that it is another's."""
    held = Endpoint.objects.filter(pk=endpoint.pk, lease=endpoint.lease, status=Status.ACTIVE)
    return bool(held.update(leased_until=clock.machine() + LEASE))


def _attempt(endpoint: Endpoint, delivery: Delivery, now: datetime) -> bool:
    """Send one delivery and write down what came of it; whether the receiver took it."""
    if not delivery.body:
        delivery.body = _body(endpoint, delivery.entry)
        Delivery.objects.filter(pk=delivery.pk).update(body=delivery.body)
    headers = signed(endpoint, delivery, now)
    passes("webhook.signed")
    outcome = _post(endpoint.url, delivery.body.encode(), headers)
    passes("webhook.sent")
    with beat():
        reason = _note(endpoint, delivery, headers, outcome, now)
    passes("webhook.noted")
    if reason:
        with beat():
            _shut(endpoint, reason, now)
    return outcome.verdict is Verdict.DELIVERED


def _body(endpoint: Endpoint, entry: Entry) -> str:
    (event,) = told(Entry.objects.filter(pk=entry.pk), for_office=endpoint.partner_id is None)
    return json.dumps(event.body, ensure_ascii=False, separators=(",", ":"))


def signed(endpoint: Endpoint, delivery: Delivery, now: datetime) -> dict[str, str]:
    """The headers of the standard: id, the instant of this try, and a signature by each secret that holds."""
    key, at = f"evt_{delivery.entry_id}", clock.machine()
    holding = Secret.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), endpoint=endpoint).order_by("-pk")
    opened = [unseal(secret.value, SECRET) for secret in holding]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Tenure-Webhooks/1",
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(key, at, delivery.body) for secret in opened),
    }


def _post(url: str, body: bytes, headers: dict[str, str]) -> Outcome:
    try:
        answer = outgoing.post(url, body, headers)
    except outgoing.Failed as failed:
        return Outcome(Verdict.AGAIN, fault=failed.code, ms=failed.ms)
    wait = (
        asked_to_wait(answer.headers.get("retry-after", ""), clock.machine()) if answer.status in (429, 503) else None
    )
    fault = "" if 200 <= answer.status < 300 else f"status_{answer.status}"
    return Outcome(verdict(answer.status), answer, fault, answer.ms, wait)


def _note(
    endpoint: Endpoint, delivery: Delivery, headers: dict[str, str], outcome: Outcome, now: datetime
) -> Status | None:
    """Write a try down, and what it means for the delivery and its endpoint; why the endpoint is to be shut, if so."""
    row = Endpoint.objects.select_for_update(no_key=True, of=("self",)).get(pk=endpoint.pk)
    _log(delivery, headers, outcome, now)
    delivery.refresh_from_db()
    if row.lease != endpoint.lease or delivery.state != "due":
        # Too late: somebody else has it, or it was shut meanwhile. What was sent stands in the log.
        return None
    delivery.tries += 1
    delivery.first_at, delivery.last_at = delivery.first_at or now, now
    delivery.answer, delivery.fault = outcome.answer.status if outcome.answer else None, outcome.fault
    if outcome.verdict is Verdict.DELIVERED:
        delivery.state = "delivered"
        row.failing_since, row.failures, row.resting_until = None, 0, None
    else:
        _failed(row, delivery, outcome, now)
    delivery.save()
    row.save(update_fields=["failing_since", "failures", "resting_until"])
    return _shutting(row, outcome, now)


def _failed(row: Endpoint, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    wait = next_try(delivery.tries, random.random())
    if wait is None:
        delivery.state = "failed"
    else:
        delivery.due_at = now + max(wait, outcome.wait or wait)
    row.failures += 1
    row.failing_since = row.failing_since or now
    pause = max(outcome.wait or timedelta(0), rest(row.failures))
    row.resting_until = now + pause if pause else None


def _shutting(row: Endpoint, outcome: Outcome, now: datetime) -> Status | None:
    if outcome.verdict is Verdict.GONE:
        return Status.GONE
    failing = row.failing_since and now - row.failing_since >= SHUT_AFTER
    return Status.FAILING if failing else None


def _shut(endpoint: Endpoint, reason: Status, now: datetime) -> None:
    """Stop sending to a receiver that is gone or has not answered for days, and say so."""
    place = end()
    row = Endpoint.objects.select_for_update(no_key=True, of=("self",)).get(pk=endpoint.pk)
    if row.status != Status.ACTIVE or row.failing_since is None:
        return
    shut(row, place)
    row.status, row.shut_at = reason, now
    row.save(update_fields=["status", "shut_at"])
    about: dict[str, Any] = {"partner_id": row.partner_id, "subject": f"webhook:{row.pk}"}
    disabled = events.EndpointDisabled(**about, endpoint=row.pk, host=row.host, reason=str(reason))
    record(SYSTEM, "webhooks.deliver", now, disabled)
    if row.partner_id is None:
        open_task(TASK, f"webhook:{row.pk}", None, f"webhooks.{reason}", now)


def _log(delivery: Delivery, headers: dict[str, str], outcome: Outcome, now: datetime) -> None:
    n = Sending.objects.filter(delivery_id=delivery.pk).count() + 1
    answer = outcome.answer
    sending = Sending(delivery_id=delivery.pk, n=n, at=now, ms=outcome.ms, request_headers=headers, fault=outcome.fault)
    if answer:
        kept = [(name, value) for name, value in answer.headers.items() if name not in KEPT_INSIDE]
        sending.answer = answer.status
        sending.answer_headers = {_text(name, 80): _text(value, 300) for name, value in kept[:HEADERS_SHOWN]}
        sending.answer_body = _text(answer.body[:SHOWN].decode("utf-8", "replace"), SHOWN)
    sending.save()


def _text(text: str, limit: int) -> str:
    # PostgreSQL keeps no NUL and no half of a surrogate pair.
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:limit]
