"""How allauth is used: people join through the join page and invitations only, and every address is checked there."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class Adapter(DefaultAccountAdapter):
    """Our own words where allauth's are seen; the same ones whether or not the address is known."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This e-mail address and password don't belong together. Check both, or set a new password."
        ),
        "too_many_login_attempts": _("Too many attempts. Wait a few minutes before the next one."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
