"""Refusals about webhooks and the feed of events, in words. A part of ``messages.py``."""

from typing import Any

from django.utils.translation import gettext_lazy as _

WEBHOOKS: dict[str, Any] = {
    "webhooks.url_malformed": _("This is not an address. Write it like https://hooks.example.com/tenure."),
    "webhooks.url_scheme": _("Only addresses that begin with https:// are sent to."),
    "webhooks.url_credentials": _("Leave user name and password out of the address; messages are signed instead."),
    "webhooks.url_port": (
        _("This port is not sent to. Ports that are: %(ports)s."),
        _("This port is not sent to."),
    ),
    "webhooks.url_private": _(
        "This leads into a private network, or is a number instead of a name. Give a name on the public internet."
    ),
    "webhooks.url_unknown": _("This name can't be found at the moment. Check the spelling, or try again later."),
    "webhooks.types_missing": _("Choose at least one event."),
    "webhooks.too_many": _("There are %(limit)s endpoints already. Remove one first."),
    "webhooks.not_active": _("Nothing is sent to this endpoint at present. Resume it first."),
    "webhooks.removed": _("This endpoint has been removed."),
    "webhooks.gone": _("The receiver answered that it is gone for good (410), so nothing more is sent to it."),
    "webhooks.failing": _("The receiver has not taken anything for five days, so nothing more is sent to it."),
    "events.after_unknown": _("No event of this feed has the id %(after)s."),
}
