"""Why a webhook has not arrived, in words. Read next: ``plumbing/outgoing.py``, which names the faults."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as word

from tenure.web.shared.messages import MESSAGES, say

FAULTS: dict[str, Any] = {
    "unknown_name": word("The name can't be found."),
    "refused": word("Nobody listens at this address."),
    "tls": word("The certificate is not valid for this name."),
    "slow": word("No whole answer within 15 seconds."),
    "too_large": word("The answer was larger than 64 KB."),
    "broken": word("The connection broke off before the answer was whole."),
    "shut": word("The endpoint was shut before it was sent."),
}


def fault_words(fault: str) -> str:
    """A fault as people read it; a status is told as it is.

    >>> fault_words("")
    ''
    """
    if fault.startswith("status_"):
        return _("Answered with status %(status)s.") % {"status": fault.removeprefix("status_")}
    if fault in MESSAGES:
        return say(fault)
    return str(FAULTS.get(fault, fault))
