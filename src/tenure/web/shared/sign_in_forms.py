"""The forms of signing in, as far as they differ from allauth's: what they count, and how they say what is wrong.

They must never tell whether an address is somebody's: what is counted is counted for every address alike. Read next:
``sign_in.py``.
"""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    RequestLoginCodeForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
)
from allauth.core import context
from django.forms import Form
from django.utils.translation import gettext_lazy as _

from tenure.people import limits
from tenure.plumbing import clock
from tenure.web.shared.sign_in_address import address_of

RESETS_AN_HOUR = 3
RESETS_OF_AN_ADDRESS = 10
CODES_AN_HOUR = 6
CODES_OF_AN_ADDRESS = 20


def count_letter(kind: str, email: str, amount: int, of_all: int) -> None:
    """Count a letter that anybody may ask for: by who asks and for whom, and for whom alone."""
    now, email = clock.machine(), email.strip().lower()
    limits.take(f"{kind}.pair", f"{address_of(context.request)} {email}", amount=amount, per=limits.HOUR, now=now)
    limits.take(f"{kind}.account", email, amount=of_all, per=limits.HOUR, now=now)


class ResetForm(ResetPasswordForm):
    def clean_email(self) -> str:
        email = super().clean_email()
        count_letter("reset", email, RESETS_AN_HOUR, RESETS_OF_AN_ADDRESS)
        return email


class LoginCodeForm(RequestLoginCodeForm):
    def clean_email(self) -> str:
        email = super().clean_email()
        count_letter("login_code", email, CODES_AN_HOUR, CODES_OF_AN_ADDRESS)
        return email


class TwiceTheSame:
    """A new password typed twice; that both are the same is said in our words."""

    def clean(self) -> dict[str, Any]:
        cleaned = Form.clean(self) or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords differ. Type the same one twice."))
        return cleaned


class ChangeForm(TwiceTheSame, ChangePasswordForm):
    """Another password, by whoever knows the present one."""


class SetForm(TwiceTheSame, SetPasswordForm):
    """A first password, for somebody who came in another way."""


class ResetKeyForm(TwiceTheSame, ResetPasswordKeyForm):
    """A new password by a link from the mail."""
