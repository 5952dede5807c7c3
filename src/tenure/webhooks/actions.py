"""Endpoints: added, changed, paused, removed, their secrets rotated, what failed sent again. The writer of their rows.

It decides that an address is checked before it is kept, that a secret is shown once, and over which stretch of the
feed a choice of events holds. It must never store a secret in the clear, nor look a name up while a transaction is
open. Read next: ``webhooks/sending.py``, which checks the address again each time.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tenure import events
from tenure.kernel.access import Actor, Side, decide, declare
from tenure.kernel.refusals import Invalid, Refusal
from tenure.plumbing import outgoing
from tenure.plumbing.db import inside, partner_of, verb, wiring
from tenure.plumbing.outbox import close_task, record
from tenure.plumbing.sealed import seal
from tenure.webhooks.feed import end, owe, publish
from tenure.webhooks.models import SECRET, Endpoint, Entry, Secret, Selection
from tenure.webhooks.rules import ALL, SHUT, TOLD, Status

OVERLAP = timedelta(hours=24)
LIMIT = 10
NAME_LIMIT = 120
TASK = "webhook"
declare("webhooks.view", Side.BOTH, says="See the webhook endpoints and what was sent to them.")


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint and its new secret, which nobody can be shown again."""

    endpoint: Endpoint
    secret: str


# VERBS


def add_endpoint(actor: Actor, company: Any, *, url: str, name: str = "", types: list[str], now: datetime) -> Shown:
    """Tell an address of events from now on. ``company`` is the partner's, or ``None`` for the office's own."""
    decide(actor, "webhooks.add_endpoint", partner_of(company))
    _check(url, name, types)
    # What has happened before is none of its business.
    publish(now)
    return _add_endpoint(actor, company, url=url, name=name, types=types, now=now)


@verb(Side.BOTH, name="webhooks.add_endpoint")
def _add_endpoint(actor: Actor, company: Any, *, url: str, name: str, types: list[str], now: datetime) -> Shown:
    """Tell an address of events from now on."""
    place = end()
    partner_id = partner_of(company)
    if Endpoint.objects.filter(partner_id=partner_id).exclude(status=Status.REMOVED).count() >= LIMIT:
        raise Refusal("webhooks.too_many", limit=LIMIT)
    endpoint = Endpoint.objects.create(
        partner_id=partner_id, url=url, name=name.strip(), added_at=now, added_by=actor.label
    )
    Selection.objects.create(endpoint=endpoint, types=_tidy(types), after=place)
    secret = _new_secret(endpoint, now)
    told = {"endpoint": endpoint.pk, "host": endpoint.host, "types": _tidy(types)}
    record(actor, "webhooks.add_endpoint", now, events.EndpointAdded(**_of(endpoint), **told))
    return Shown(endpoint, secret)


def change_endpoint(
    actor: Actor, endpoint: Endpoint, *, url: str, name: str = "", types: list[str], now: datetime
) -> Endpoint:
    """Another address, name or choice of events. The new choice holds from now on."""
    decide(actor, "webhooks.change_endpoint", endpoint.partner_id)
    _check(url, name, types)
    publish(now)
    return _change_endpoint(actor, endpoint, url=url, name=name, types=types, now=now)


@verb(Side.BOTH, name="webhooks.change_endpoint")
def _change_endpoint(
    actor: Actor, endpoint: Endpoint, *, url: str, name: str, types: list[str], now: datetime
) -> Endpoint:
    """Change an endpoint's address, name or choice of events; pause it, resume it, remove it."""
    place, row = end(), _locked(endpoint)
    if row.url != url:
        row.resting_until, row.failures = None, 0
    row.url, row.name = url, name.strip()
    row.save(update_fields=["url", "name", "resting_until", "failures"])
    newest = row.selections.filter(through=None).first()
    if newest and newest.types != _tidy(types):
        _turn(row, place, _tidy(types))
    elif newest is None:
        # It is shut: the choice waits for the day it is opened again, over an empty stretch.
        Selection.objects.create(endpoint=row, types=_tidy(types), after=place, through=place)
    _changed(actor, row, now)
    return row


@verb(Side.BOTH, name="webhooks.pause_endpoint")
def pause_endpoint(actor: Actor, endpoint: Endpoint, *, now: datetime) -> Endpoint:
    """Send nothing to an endpoint for a while; what happens meanwhile waits for it."""
    row = _locked(endpoint)
    if row.status != Status.ACTIVE:
        raise Refusal("webhooks.not_active")
    return _stands(actor, row, Status.PAUSED, now)


@verb(Side.BOTH, name="webhooks.resume_endpoint")
def resume_endpoint(actor: Actor, endpoint: Endpoint, *, catch_up: bool = False, now: datetime) -> Endpoint:
    """Send to an endpoint again. One that was shut starts anew, or catches up with what it missed."""
    place, row = end(), _locked(endpoint)
    if row.status in SHUT:
        _open(row, row.shut_place if catch_up and row.shut_place is not None else place, place, now)
    row.failing_since, row.failures, row.resting_until, row.shut_at, row.shut_place = None, 0, None, None, None
    row.save(update_fields=["failing_since", "failures", "resting_until", "shut_at", "shut_place"])
    close_task(TASK, f"webhook:{row.pk}", actor, now)
    _wake()
    return _stands(actor, row, Status.ACTIVE, now)


@verb(Side.BOTH, name="webhooks.remove_endpoint")
def remove_endpoint(actor: Actor, endpoint: Endpoint, *, now: datetime) -> Endpoint:
    """Tell an address nothing any more. Its secrets are forgotten, the log of what was sent stays."""
    place, row = end(), _locked(endpoint)
    shut(row, place)
    row.secrets.update(value="", ends_at=now)
    close_task(TASK, f"webhook:{row.pk}", actor, now)
    return _stands(actor, row, Status.REMOVED, now)


@verb(Side.BOTH, name="webhooks.rotate_secret")
def rotate_secret(actor: Actor, endpoint: Endpoint, *, now: datetime) -> Shown:
    """Sign with a new secret. The old one signs beside it for a day; one from before that ends at once."""
    row = _locked(endpoint)
    row.secrets.filter(ends_at__gt=now).update(ends_at=now)
    row.secrets.filter(ends_at=None).update(ends_at=now + OVERLAP)
    shown = Shown(row, _new_secret(row, now))
    record(actor, "webhooks.rotate_secret", now, events.SecretRotated(**_of(row), endpoint=row.pk))
    return shown


@verb(Side.BOTH, name="webhooks.send_test")
def send_test(actor: Actor, endpoint: Endpoint, *, now: datetime) -> None:
    """Send an event that is only for this endpoint."""
    row = _active(endpoint)
    record(actor, "webhooks.send_test", now, events.EndpointTested(**_of(row), endpoint=row.pk))
    _wake()


@verb(Side.BOTH, name="webhooks.replay")
def replay(actor: Actor, endpoint: Endpoint, *, deliveries: list[int], now: datetime) -> int:
    """Send some deliveries again, under the same ids; how many."""
    return _again(endpoint, endpoint.deliveries.filter(pk__in=deliveries), now)


@verb(Side.BOTH, name="webhooks.replay_failed")
def replay_failed(actor: Actor, endpoint: Endpoint, *, since: datetime, now: datetime) -> int:
    """Send again everything that failed since an instant; how many."""
    return _again(endpoint, endpoint.deliveries.filter(state="failed", entry__event__occurred_at__gte=since), now)


# STEPS


def shut(endpoint: Endpoint, place: int) -> None:
    """End an endpoint's choice, and with it what was still due; it can be sent again once the endpoint is open."""
    inside("shutting an endpoint")
    endpoint.shut_place = place
    endpoint.save(update_fields=["shut_place"])
    endpoint.selections.filter(through=None).update(through=place)
    endpoint.deliveries.filter(state="due").update(state="failed", fault="shut")


def _check(url: str, name: str, types: list[str]) -> None:
    faults = {}
    try:
        outgoing.check(url)
    except Refusal as refusal:
        faults["url"] = refusal.code
    if len(name.strip()) > NAME_LIMIT:
        faults["name"] = "text.too_long"
    if not types or not all(_known(each) for each in types):
        faults["types"] = "choice.unknown" if types else "webhooks.types_missing"
    if faults:
        raise Invalid(faults, limit=NAME_LIMIT, ports=", ".join(map(str, outgoing.ports())))


def _known(chosen: str) -> bool:
    return chosen == ALL or chosen in TOLD or (chosen.endswith(".*") and any(n.startswith(chosen[:-1]) for n in TOLD))


def _tidy(types: list[str]) -> list[str]:
    return [ALL] if ALL in types else sorted(set(types))


def _locked(endpoint: Endpoint) -> Endpoint:
    row = Endpoint.objects.select_for_update(no_key=True, of=("self",)).get(pk=endpoint.pk)
    if row.status == Status.REMOVED:
        raise Refusal("webhooks.removed")
    return row


def _active(endpoint: Endpoint) -> Endpoint:
    row = _locked(endpoint)
    if row.status != Status.ACTIVE:
        raise Refusal("webhooks.not_active")
    return row


def _turn(endpoint: Endpoint, place: int, types: list[str]) -> None:
    endpoint.selections.filter(through=None).update(through=place)
    Selection.objects.create(endpoint=endpoint, types=types, after=place)


def _open(endpoint: Endpoint, after: int, place: int, now: datetime) -> None:
    """Begin a new stretch of the feed after a place, and owe what has happened on it already."""
    types = endpoint.selections.order_by("pk").last().types
    selection = Selection.objects.create(endpoint=endpoint, types=types, after=after)
    missed = Entry.objects.filter(position__gt=after, position__lte=place).order_by("position")
    owe(missed, Selection.objects.filter(pk=selection.pk), now)


def _new_secret(endpoint: Endpoint, now: datetime) -> str:
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    Secret.objects.create(endpoint=endpoint, value=seal(secret, SECRET), made_at=now)
    return secret


def _stands(actor: Actor, endpoint: Endpoint, status: Status, now: datetime) -> Endpoint:
    if endpoint.status != status:
        endpoint.status = status
        endpoint.save(update_fields=["status"])
        _changed(actor, endpoint, now)
    return endpoint


def _changed(actor: Actor, endpoint: Endpoint, now: datetime) -> None:
    types = endpoint.selections.order_by("pk").last().types
    told = {"endpoint": endpoint.pk, "host": endpoint.host, "types": types, "status": str(endpoint.status)}
    record(actor, "webhooks.change_endpoint", now, events.EndpointChanged(**_of(endpoint), **told))


def _again(endpoint: Endpoint, deliveries: Any, now: datetime) -> int:
    row = _active(endpoint)
    row.resting_until = None
    row.save(update_fields=["resting_until"])
    found = deliveries.update(state="due", tries=0, due_at=now)
    if found:
        _wake()
    return found


def _of(endpoint: Endpoint) -> dict[str, Any]:
    return {"partner_id": endpoint.partner_id, "subject": f"webhook:{endpoint.pk}"}


def _wake() -> None:
    wiring().wake()
