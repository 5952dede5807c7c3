"""How allauth is used: our own words, our own limits, and one way in for whoever has just joined.

It decides that a try is counted before a password is looked at, the same for addresses that are known and that are
not, and that a browser its owner has used before is counted by itself: whoever knows an address cannot keep its owner
out. It must never say whether an address is somebody's. Read next: ``sign_in_gate.py``, ``people/limits.py``.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth import login
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from tenure.people import limits
from tenure.people.rules import proof_is_old
from tenure.plumbing import clock
from tenure.web.shared import sign_in_device as device
from tenure.web.shared.sign_in_address import address_of

ACCOUNT_TRIES = 5
ADDRESS_TRIES = 20
"""An office shares one address."""
EVERYBODYS_TRIES = 600

INCORRECT_CODE = _("This code isn't right, or it has been used. Wait for the next one.")

SAID = {
    "mfa/messages/totp_activated.txt": _("The authenticator app is set up."),
    "mfa/messages/totp_deactivated.txt": _("The authenticator app is removed."),
    "mfa/messages/webauthn_added.txt": _("The passkey is added."),
    "mfa/messages/webauthn_removed.txt": _("The passkey is removed."),
    "account/messages/password_changed.txt": _("The password is changed. Other devices have been signed out."),
    "account/messages/password_set.txt": _("The password is set."),
}
TOLD = {
    "mfa/email/totp_activated": _("An authenticator app was added to how you sign in."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed from how you sign in."),
    "mfa/email/webauthn_added": _("A passkey was added to how you sign in."),
    "mfa/email/webauthn_removed": _("A passkey was removed from how you sign in."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made; the old ones are void."),
    "account/email/password_changed": _("Your password was changed."),
    "account/email/password_set": _("A password was set for you."),
    "account/email/password_reset": _("Your password was reset."),
}


class Adapter(DefaultAccountAdapter):
    """Our own words where allauth's are seen; the same ones whether or not the address is known."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This e-mail address and password don't belong together. Check both, or set a new password."
        ),
        "too_many_login_attempts": _("Too many attempts. Wait a few minutes before the next one."),
        "rate_limited": _("Too many attempts. Wait a few minutes before the next one."),
        "incorrect_code": INCORRECT_CODE,
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your present password."),
        "invalid_password_reset": _("This link has been used or has expired."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        count_try(request, credentials.get("email", ""))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user:
            forget_try(request, credentials.get("email", ""))
        return user

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return proof_is_old(get_authentication_records(self.request, self.request.user), clock.machine())

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _dash, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return f"{settings.TENURE_BASE_URL}{path}"

    def add_message(self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs):
        """What has been done, in our words; what we have no words for needs none."""
        if words := kwargs.get("message") or SAID.get(message_template or ""):
            flash.add_message(request, level, str(words), extra_tags="ok" if level == flash.SUCCESS else "error")

    def send_notification_mail(self, template_prefix: str, user: Any, context: Any = None, email: str | None = None):
        """Tell a person that their way in has changed; whoever did it may not have been them."""
        with translation.override(user.language):
            told = {"what": TOLD.get(template_prefix, _("How you sign in was changed.")), "person": user}
            self.send_mail("account/email/security_changed", email or user.email, told)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        base = {"email": email, "site": settings.TENURE_BASE_URL, "programme": getattr(self.request, "programme", None)}
        self.render_mail(template_prefix, email, base | context).send()

    def format_email_subject(self, subject: str) -> str:
        return subject


def count_try(request: HttpRequest, email: str) -> None:
    """Count a try at a password, or refuse while somebody has to wait: by address, by account, by all together."""
    now = clock.machine()
    limits.attempt("password.address", address_of(request), allowed=ADDRESS_TRIES, now=now)
    known = device.known(request, email)
    limits.attempt("password.account", _account(email, known), allowed=ACCOUNT_TRIES, now=now)
    if not known:
        limits.take("password.everybody", "", amount=EVERYBODYS_TRIES, per=limits.MINUTE, now=now)


def forget_try(request: HttpRequest, email: str) -> None:
    """It was right: the account's failures are over, the address's own stay."""
    limits.forgive("password.address", address_of(request))
    limits.forgive("password.account", _account(email, device.known(request, email)), all_of_them=True)


def let_in(request: HttpRequest, user: Any, method: str = "password") -> None:
    """Sign in whoever has just set a password or been vouched for. In a demonstration nothing more is asked."""
    if not settings.TENURE_DEMO:
        record_authentication(request, user, method=method)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def handle_of(user: Any) -> str:
    """A person as the links of allauth name them."""
    return user_pk_to_url_str(user)


def _account(email: str, known: str) -> str:
    return f"{email.strip().lower()} {known}"
