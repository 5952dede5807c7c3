"""The company's own sign-in by OpenID Connect: set up, tested, removed by whoever may.

It decides nothing; the secret is typed here and never shown. Read next: ``people/directories.py``.
"""

from django.conf import settings
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import directories
from tenure.plumbing import outgoing
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import portal
from tenure.web.shared.sign_in_elsewhere import press
from tenure.web.shared.sign_in_gate import confirmed


@portal("people.set_up_directory")
@confirmed
def directory(request: HttpRequest) -> HttpResponse:
    """Set up, change and test how the company's people sign in with its own directory."""
    row = directories.of_company(request.partner.pk)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            _set_up(request)
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            errors = {"issuer": words_of(refusal)}
        else:
            flash.success(request, _("Saved. Test it before you tell your people."), extra_tags="ok")
            return redirect("portal:directory")
    typed = request.POST

    def field(name: str, label: str, kept: str = "", **more: str) -> Field:
        return Field(name, label, typed.get(name, kept), errors.get(name, ""), autocomplete="off", **more)

    secret_hint = _("Leave it empty to keep the one there is.") if row else ""
    fields = [
        field("name", _("Name on the button"), row.name if row else "", hint=_("For example: Contoso account.")),
        field("issuer", _("Issuer"), row.issuer if row else "", hint=_("Exactly as your provider writes it.")),
        field("client", _("Client ID"), row.client if row else ""),
        field("secret", _("Client secret"), type="password", hint=secret_hint),
    ]
    back = f"{settings.TENURE_BASE_URL}/sign-in/{row.slug}/back/" if row else ""
    given = {"row": row, "errors": errors, "fields": fields, "back": back, "press": press(request)}
    return render(request, "portal/directory.html", given)


@portal("people.remove_directory")
@confirmed
@require_POST
def directory_remove(request: HttpRequest) -> HttpResponse:
    """Remove it; people sign in another way from then on."""
    directories.remove_directory(request.actor, request.partner, now=request.now)
    flash.success(request, _("Your company's own sign-in is removed."), extra_tags="ok")
    return redirect("portal:directory")


def _set_up(request: HttpRequest) -> None:
    reading = Reading(request.POST)
    name = reading.text("name", limit=80)
    issuer = reading.text("issuer", limit=255)
    client = reading.text("client", limit=255)
    secret = request.POST.get("secret", "").strip()
    reading.check()
    outgoing.check(issuer)
    directories.set_up_directory(
        request.actor, request.partner, name=name, issuer=issuer, client=client, secret=secret, now=request.now
    )
