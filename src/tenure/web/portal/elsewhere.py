"""Signing in elsewhere, as somebody meets it: off to the provider, back, and in; linking, testing, an invitation.

It decides what an identity is good for. Nobody is let in, and nothing is linked, because an address is the same: a
person who is signed in links, or an invitation is accepted. Read next: ``web/shared/sign_in_elsewhere.py``.
"""

import logging
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.access import may
from tenure.kernel.refusals import NotYours, Refusal
from tenure.people import actions as people
from tenure.people import directories, identities
from tenure.people.queries import invitation_fault, invitation_of, person
from tenure.plumbing import clock
from tenure.web.portal.session import local_or_home
from tenure.web.shared import sign_in_elsewhere as oidc
from tenure.web.shared.messages import say
from tenure.web.shared.pages import public, signed_in
from tenure.web.shared.sign_in import let_in
from tenure.web.shared.sign_in_gate import ask_again, confirmed, proven

log = logging.getLogger(__name__)
PURPOSES = ("sign_in", "link", "test", "invitation")


@public
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Off to where somebody signs in elsewhere."""
    at = _provider(slug)
    purpose = request.GET.get("for", "sign_in")
    if purpose not in PURPOSES or (purpose in ("link", "test") and request.person is None):
        raise NotYours("page")
    if purpose == "test" and not may(request.actor, "people.set_up_directory", at.partner_id):
        raise NotYours("page")
    if purpose in ("link", "test") and not oidc.pressed_here(request):
        return redirect("portal:security" if purpose == "link" else "portal:directory")
    if purpose == "link" and not proven(request):
        return ask_again(request)
    kept = {"next": request.GET.get("next", "/"), "person": request.user.pk, "invitation": request.GET.get("token", "")}
    try:
        return redirect(oidc.begin(request, at, purpose, **kept))
    except oidc.NotBelieved as not_believed:
        return _failed(request, at, not_believed)


@public
def back(request: HttpRequest, slug: str) -> HttpResponse:
    """Back from there, with an answer that is believed or is not."""
    at = _provider(slug)
    try:
        kept, claims = oidc.finish(request, at)
    except oidc.NotBelieved as not_believed:
        return _failed(request, at, not_believed)
    if kept["purpose"] in ("link", "test") and kept["person"] != request.user.pk:
        return _failed(request, at, oidc.NotBelieved("person"))
    try:
        return {"sign_in": _in, "link": _link, "test": _tested, "invitation": _accepted}[kept["purpose"]](
            request, at, kept, claims["sub"]
        )
    except NotYours:
        raise
    except Refusal as refusal:
        return _page(request, at, say(refusal.code, refusal.facts), status=409)


@signed_in
@confirmed
@require_POST
def unlink(request: HttpRequest, id: int) -> HttpResponse:
    """Part from an identity elsewhere."""
    if not identities.unlink(request.person, id):
        raise NotYours("identity")
    flash.success(request, _("The link is removed."), extra_tags="ok")
    return redirect("portal:security")


def _in(request: HttpRequest, at: oidc.Provider, kept: dict[str, Any], subject: str) -> HttpResponse:
    """Whoever is linked comes in, through the second factor like everybody."""
    user = identities.person_of(at.issuer, subject, clock.machine())
    if user is None:
        words = _(
            "Nobody here is linked with this account. Sign in another way first, then link it on the page on how you "
            "sign in; or accept an invitation with it."
        )
        return _page(request, at, words, status=403)
    record_authentication(request, user, method="socialaccount", provider=at.slug)
    if request.user.is_authenticated and request.user.pk == user.pk:
        return redirect(local_or_home(kept["next"]))
    return perform_login(request, Login(user=user, redirect_url=local_or_home(kept["next"])))


def _link(request: HttpRequest, at: oidc.Provider, kept: dict[str, Any], subject: str) -> HttpResponse:
    identities.link(request.person, at.issuer, subject, clock.machine())
    flash.success(request, _("From now on you can sign in with %(name)s.") % {"name": at.name}, extra_tags="ok")
    return redirect("portal:security")


def _tested(request: HttpRequest, at: oidc.Provider, kept: dict[str, Any], subject: str) -> HttpResponse:
    if row := directories.by_slug(at.slug):
        directories.note_tested(row, clock.machine())
    flash.success(request, _("It works: %(name)s has told us who you are there.") % {"name": at.name}, extra_tags="ok")
    return redirect("portal:directory")


def _accepted(request: HttpRequest, at: oidc.Provider, kept: dict[str, Any], subject: str) -> HttpResponse:
    """An invitation accepted by somebody new, without a password. Who is known already signs in as themselves."""
    row = invitation_of(kept["invitation"])
    if row is None or at.partner_id not in (None, row.partner_id) or person(row.email):
        raise NotYours("invitation")
    if fault := invitation_fault(row, request.now):
        raise Refusal(fault)
    if identities.person_of(at.issuer, subject, clock.machine()):
        raise Refusal("people.identity_taken")
    user = people.accept_invitation(request.actor, row, password=None, now=request.now)
    identities.link(user, at.issuer, subject, clock.machine())
    let_in(request, user, "socialaccount")
    request.session["partner"] = row.partner_id
    return redirect("portal:home")


def _provider(slug: str) -> oidc.Provider:
    at = oidc.provider(slug)
    if at is None:
        raise NotYours("page")
    return at


def _failed(request: HttpRequest, at: oidc.Provider, not_believed: oidc.NotBelieved) -> HttpResponse:
    log.warning("an answer of %s was not believed: %s", at.slug, not_believed.code)
    return _page(request, at, FAILED.get(not_believed.code, FAILED[""])(), status=403)


def _page(request: HttpRequest, at: oidc.Provider, words: str, *, status: int) -> HttpResponse:
    return render(request, "portal/elsewhere_failed.html", {"name": at.name, "words": words}, status=status)


FAILED = {
    "": lambda: _("What came back could not be believed, so nobody was signed in. Try again."),
    "refused": lambda: _("You were not signed in there, so you are not signed in here."),
    "unreachable": lambda: _("The other side gave no answer that could be read. Try again later, or another way."),
    "state": lambda: _("This sign-in was not begun in this browser, or was finished before. Start again."),
    "late": lambda: _("This sign-in took too long. Start again."),
    "issuer": lambda: _("The other side calls itself by another name than the one set up here."),
}
