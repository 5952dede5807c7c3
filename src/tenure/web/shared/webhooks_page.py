"""The pages of webhook endpoints: the same in the portal, for a company's own, and in the office, for everybody's.

A secret is shown in the answer to the press that made it and nowhere else. It must never store one, not in a session
either, nor show more of a receiver's answer than its first kilobyte. Read next: ``webhooks/actions.py``.
"""

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.access import may
from tenure.kernel.refusals import Invalid, Refusal
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, owned
from tenure.web.shared.webhook_words import fault_words
from tenure.webhooks import actions as webhooks
from tenure.webhooks import queries as known
from tenure.webhooks.rules import ALL, SHUT, Status, names

SHOWN = 50
STATES = ("due", "delivered", "failed")


@dataclass(frozen=True, slots=True)
class House:
    """Whose pages these are: the door's name, its shell, and whose endpoints are shown."""

    door: str

    @property
    def shell(self) -> str:
        return f"shell/{self.door}.html"

    def company(self, request: HttpRequest) -> Any:
        return request.partner if self.door == "portal" else None

    def endpoint(self, request: HttpRequest, id: int) -> Any:
        row = known.get(id)
        return owned(request, row, "webhooks.view") if self.door == "portal" else found(row)

    def known(self) -> dict[str, Any]:
        door = self.door
        return {
            "shell": self.shell,
            "at_list": f"{door}:webhooks",
            "at_one": f"{door}:webhook",
            "at_delivery": f"{door}:webhook_delivery",
            "nav": f"{door}:webhooks",
            "office": door == "office",
        }


def listed(request: HttpRequest, house: House) -> HttpResponse:
    """The endpoints that are there, and the form for another."""
    errors, made, status = {}, None, 200
    company = house.company(request)
    if request.method == "POST":
        try:
            url, name, types = _read(request)
            given = {"url": url, "name": name, "types": types, "now": request.now}
            made = webhooks.add_endpoint(request.actor, company, **given)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 422
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
    rows = known.endpoints(company.pk if company else None)
    counts = known.counts(rows)
    given = {
        "rows": [(row, known.types(row), counts.get(row.pk, {})) for row in rows],
        "troubled": list(known.troubled()[:SHOWN]) if house.door == "office" else [],
        "made": made,
        "may_add": may(request.actor, "webhooks.add_endpoint", company.pk if company else None),
        **_form(request.POST if errors else {}, errors, chosen=[ALL]),
    }
    return render(request, "webhooks/list.html", {**house.known(), **given}, status=status)


def shown(request: HttpRequest, house: House, id: int) -> HttpResponse:
    """One endpoint: how it stands, what can be done with it, and what was owed to it."""
    row = house.endpoint(request, id)
    errors, made, status = {}, None, 200
    if request.method == "POST":
        try:
            said, made = _do(request, row)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 422
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
        else:
            if made is None:
                flash.success(request, said, extra_tags="ok")
                return redirect(house.known()["at_one"], row.pk)
    row = house.endpoint(request, id)
    state = request.GET.get("state", "")
    deliveries = known.deliveries(row, state if state in STATES else "")[:SHOWN]
    typed = {"url": row.url, "name": row.name}
    given = {
        "row": row,
        "types": known.types(row),
        "made": made,
        "previous_ends_at": known.secrets_end_at(row, request.now),
        "shut": row.status in SHUT,
        "removed": row.status == Status.REMOVED,
        "failing": row.failing_since is not None,
        "counts": known.counts([row]).get(row.pk, {}),
        "state": state,
        "states": STATES,
        "deliveries": [(each, fault_words(each.fault)) for each in deliveries],
        "may_change": may(request.actor, "webhooks.change_endpoint", row.partner_id),
        "may_replay": may(request.actor, "webhooks.replay_failed", row.partner_id),
        **_form(request.POST if errors.keys() - {"form"} else typed, errors, chosen=known.types(row)),
    }
    return render(request, "webhooks/one.html", {**house.known(), **given}, status=status)


def delivery(request: HttpRequest, house: House, id: int) -> HttpResponse:
    """One event owed to one endpoint: the body, and every try with what came back."""
    row = found(known.delivery(id))
    endpoint = house.endpoint(request, row.endpoint_id)
    if request.method == "POST":
        webhooks.replay(request.actor, endpoint, deliveries=[row.pk], now=request.now)
        flash.success(request, _("It is sent again, under the same id."), extra_tags="ok")
        return redirect(house.known()["at_delivery"], row.pk)
    body = json.dumps(json.loads(row.body), indent=2, ensure_ascii=False) if row.body else ""
    given = {
        "row": row,
        "endpoint": endpoint,
        "body": body,
        "fault": fault_words(row.fault),
        "sendings": [(each, fault_words(each.fault)) for each in known.sendings(row)],
        "may_replay": endpoint.status == Status.ACTIVE and may(request.actor, "webhooks.replay", endpoint.partner_id),
    }
    return render(request, "webhooks/delivery.html", {**house.known(), **given})


def _do(request: HttpRequest, row: Any) -> tuple[str, webhooks.Shown | None]:
    """Do what was asked, and say that it is done."""
    actor, now = request.actor, request.now
    match request.POST.get("act"):
        case "pause":
            webhooks.pause_endpoint(actor, row, now=now)
            return _("Nothing is sent for now; what happens meanwhile waits."), None
        case "resume" | "catch_up" as act:
            webhooks.resume_endpoint(actor, row, catch_up=act == "catch_up", now=now)
            return _("Events are sent again."), None
        case "remove":
            webhooks.remove_endpoint(actor, row, now=now)
            return _("The endpoint is removed."), None
        case "rotate":
            return "", webhooks.rotate_secret(actor, row, now=now)
        case "test":
            webhooks.send_test(actor, row, now=now)
            return _("A test is on its way; it shows below once it has been sent."), None
        case "replay":
            webhooks.replay_failed(actor, row, since=row.added_at, now=now)
            return _("Everything that failed is sent again, under the same ids."), None
        case _:
            url, name, types = _read(request)
            webhooks.change_endpoint(actor, row, url=url, name=name, types=types, now=now)
            return _("The endpoint is saved."), None


def _read(request: HttpRequest) -> tuple[str, str, list[str]]:
    reading = Reading(request.POST)
    url = reading.text("url", limit=500)
    name = reading.text("name", limit=webhooks.NAME_LIMIT, required=False)
    types = reading.choices("types", [ALL, *(f"{head}.*" for head, _names in _groups()), *names()])
    reading.check()
    return url, name, types


def _groups() -> list[tuple[str, list[str]]]:
    return [(head, list(each)) for head, each in groupby(names(), key=lambda name: name.split(".")[0])]


def _form(typed: Any, errors: dict[str, str], chosen: list[str]) -> dict[str, Any]:
    chosen = typed.getlist("types") if hasattr(typed, "getlist") else chosen
    fields = [
        Field(
            "url",
            _("Address of the receiver"),
            typed.get("url", ""),
            errors.get("url", ""),
            hint=_("It must begin with https:// and lead to the public internet."),
            inputmode="url",
            maxlength=500,
        ),
        Field("name", _("Name"), typed.get("name", ""), errors.get("name", ""), optional=True, maxlength=120),
    ]
    groups = [(head, f"{head}.*", each, {f"{head}.*", *each} & set(chosen)) for head, each in _groups()]
    return {"fields": fields, "groups": groups, "chosen": chosen, "errors": errors, "everything": ALL}
