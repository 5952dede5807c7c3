"""Second factors: kept sealed, asked for in our words, each code good for one use and five tries before a wait.

It decides that a step of an authenticator app counts once, whichever browser it comes from, by the row and its lock.
It must never let a factor of one person serve another. Read next: ``people/rules.py``, ``people/seeds.py``.
"""

import unicodedata
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenure.people import limits, seeds
from tenure.people.rules import totp_step
from tenure.plumbing import clock
from tenure.web.shared.sign_in import INCORRECT_CODE

STEP_SECONDS = 30
CODE_TRIES = 5
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class Factors(DefaultMFAAdapter):
    """What allauth's second factors take from us: words, names, and the seal on what is kept."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": INCORRECT_CODE}

    def encrypt(self, text: str) -> str:
        return seeds.keep(context.request.user, text)

    def decrypt(self, encrypted_text: str) -> str:
        return seeds.read(encrypted_text)

    def get_totp_issuer(self) -> str:
        return self._get_site_name()

    def _get_site_name(self) -> str:
        programme = getattr(context.request, "programme", None)
        return programme.name.en if programme else "Tenure"

    def generate_authenticator_name(self, user: Any, type: str) -> str:
        nth = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey %(n)s") % {"n": nth}


def prove(user: Any, code: str) -> Authenticator | None:
    """The factor that a code proves, used up by that: a step of the authenticator app, or a recovery code."""
    plain = "".join(unicodedata.normalize("NFKC", code).split())
    with transaction.atomic():
        app = Authenticator.objects.select_for_update().filter(user=user, type=Authenticator.Type.TOTP).first()
        if app and (step := totp_step(_codes(seeds.read(app.data["secret"])), plain, app.data.get("last_step"))):
            app.data["last_step"] = step
            app.save(update_fields=["data"])
            return app
    kept = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return kept if kept and kept.wrap().validate_code(plain) else None


def count_code(user: Any) -> None:
    """Count a try at a code; after five somebody has to wait."""
    limits.attempt("code", str(user.pk), allowed=CODE_TRIES, now=clock.machine())


class Counted:
    """A form that asks for a code of the person who is signing in, or is signed in."""

    user: Any
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        count_code(self.user)
        found = prove(self.user, self.cleaned_data["code"])
        if found is None:
            raise Factors().validation_error("incorrect_code")
        limits.forgive("code", str(self.user.pk), all_of_them=True)
        found.user = self.user
        self.authenticator = found
        return self.cleaned_data["code"]


class CodeForm(Counted, AuthenticateForm):
    """The second step of signing in."""


class CodeAgainForm(Counted, ReauthenticateForm):
    """Confirming, while signed in, that it is still the same person."""


class SetUpForm(ActivateTOTPForm):
    """The first code of a new authenticator app."""

    def clean_code(self) -> str:
        count_code(self.user)
        self.cleaned_data["code"] = "".join(unicodedata.normalize("NFKC", self.cleaned_data["code"]).split())
        code = super().clean_code()
        limits.forgive("code", str(self.user.pk), all_of_them=True)
        return code


def _codes(secret: str) -> dict[int, str]:
    step = int(clock.machine().timestamp()) // STEP_SECONDS
    return {near: format_hotp_value(hotp_value(secret, near)) for near in (step - 1, step, step + 1)}


NAMES = {
    "totp": gettext_lazy("Authenticator app"),
    "webauthn": gettext_lazy("Passkey"),
    "recovery_codes": gettext_lazy("Recovery codes"),
}
