"""The company's people: who they are, what they may do, who is invited.

It decides nothing: that a company keeps an administrator is ``people/actions.py``'s business. Read next:
``people/queries.py``.
"""

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.access import may
from tenure.kernel.refusals import Invalid, Refusal
from tenure.kernel.text import LANGUAGES
from tenure.people import actions as people
from tenure.people import queries as known
from tenure.programme.rules import Programme, Role
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.language import language
from tenure.web.shared.messages import field_errors, say
from tenure.web.shared.pages import can_help, owned, portal
from tenure.web.shared.sign_in_gate import confirmed


@portal("people.view")
def users(request: HttpRequest) -> HttpResponse:
    """Everybody with a place in the company, those who left, and the invitations nobody has used yet."""
    partner = request.partner
    places = list(known.colleagues(partner.pk))
    names = {role.code: role.name for role in roles_of(request.programme)}
    return render(
        request,
        "portal/users.html",
        {
            "people": [(place, [names.get(code, code) for code in place.roles]) for place in places],
            "last_admin": known.last_admin(places, request.programme),
            "invitations": [
                (row, [names.get(code, code) for code in row.roles], row.expires_at < request.now)
                for row in known.open_invitations(partner.pk)
            ],
            "invite_helpers": can_help(request, "people.invite"),
            "may_withdraw": may(request.actor, "people.withdraw_invitation", partner.pk),
        },
    )


@portal("people.invite")
@confirmed
def user_invite(request: HttpRequest) -> HttpResponse:
    """Invite a colleague by mail."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            row = _invited(request)
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            errors = {"email": say(refusal.code, refusal.facts)}
        else:
            words = _("The invitation is on its way to %(email)s.") % {"email": row.email}
            flash.success(request, words, extra_tags="ok")
            return redirect("portal:users")
    posted = request.POST
    fields = [
        Field("name", _("Name"), posted.get("name", ""), errors.get("name", ""), autocomplete="off"),
        Field("email", _("E-mail address"), posted.get("email", ""), errors.get("email", ""), type="email"),
        Field(
            "language",
            _("Language of the invitation"),
            posted.get("language") or language(),
            errors.get("language", ""),
            type="select",
            options=(("en", "English"), ("zh-hant", "繁體中文")),
            short=True,
        ),
        Field(
            "until_on",
            _("Last day"),
            posted.get("until_on", ""),
            errors.get("until_on", ""),
            hint=_("For somebody who helps for a time. The access ends by itself after this day. Like 2019-07-01."),
            optional=True,
            short=True,
        ),
    ]
    given = {"errors": errors, "fields": fields, "roles": roles_of(request.programme)}
    return render(request, "portal/user_invite.html", given | {"chosen": posted.getlist("roles")})


@portal("people.view")
@confirmed
def user(request: HttpRequest, id: int) -> HttpResponse:
    """One colleague: roles to tick, and leaving or coming back."""
    place = owned(request, known.colleague(id), "people.view")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            words = _change(request, place)
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            if refusal.code == "access.forbidden":
                raise
            errors = {"roles": say(refusal.code, refusal.facts)}
        else:
            flash.success(request, words, extra_tags="ok")
            return redirect("portal:user", place.pk)
    return render(
        request,
        "portal/user.html",
        {
            "place": place,
            "errors": errors,
            "roles": roles_of(request.programme),
            "chosen": request.POST.getlist("roles") if errors else place.roles,
            "is_last_admin": known.last_admin(known.colleagues(place.partner_id), request.programme) == place.pk,
            "role_helpers": can_help(request, "people.change_roles"),
            "until_typed": request.POST.get("until_on", place.until_on.isoformat() if place.until_on else ""),
            "may_set_end": may(request.actor, "people.set_end", place.partner_id),
            "may_deactivate": may(request.actor, "people.deactivate", place.partner_id),
            "may_reactivate": may(request.actor, "people.reactivate", place.partner_id),
        },
    )


@portal("people.withdraw_invitation")
@require_POST
def invitation_withdraw(request: HttpRequest, id: int) -> HttpResponse:
    """Take back an invitation nobody has used yet."""
    row = owned(request, known.invitation(id), "people.withdraw_invitation")
    people.withdraw_invitation(request.actor, row, now=request.now)
    flash.success(request, _("The invitation of %(name)s is withdrawn.") % {"name": row.name}, extra_tags="ok")
    return redirect("portal:users")


def roles_of(programme: Programme) -> list[Role]:
    """The roles a partner's people may hold, in the programme's order."""
    return [role for role in programme.roles if role.side == "partner"]


def _invited(request: HttpRequest) -> Any:
    reading = Reading(request.POST)
    name = reading.text("name", limit=120)
    email = reading.email("email")
    spoken = reading.choice("language", LANGUAGES)
    roles = reading.choices("roles", [role.code for role in roles_of(request.programme)], required=True)
    until_on = reading.day("until_on", required=False)
    reading.check()
    given = {"email": email, "name": name, "roles": roles, "language": spoken, "until_on": until_on}
    return people.invite(request.actor, request.partner, **given, now=request.now)


def _change(request: HttpRequest, place: Any) -> str:
    """Do what was asked and say that it is done."""
    said = {"name": place.user.name}
    match request.POST.get("act"):
        case "deactivate":
            people.deactivate(request.actor, place, now=request.now)
            return _("%(name)s can no longer work for your company.") % said
        case "reactivate":
            people.reactivate(request.actor, place, now=request.now)
            return _("%(name)s can work for your company again.") % said
        case "end":
            reading = Reading(request.POST)
            until_on = reading.day("until_on", required=False)
            reading.check()
            people.set_end(request.actor, place, until_on=until_on, now=request.now)
            return _("The last day of %(name)s is saved.") % said
        case _:
            reading = Reading(request.POST)
            roles = reading.choices("roles", [role.code for role in roles_of(request.programme)], required=True)
            reading.check()
            people.change_roles(request.actor, place, roles=roles, now=request.now)
            return _("The roles of %(name)s are saved.") % said
