"""Refusals about a company's place in the programme: checks, locations, people for a time, approvals, lost admins.

A part of ``messages.py``. It must never decide anything. Read next: ``web/shared/messages.py``.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

JOINING: dict[str, Any] = {
    "enrolment.nothing_to_prove": _("This check is decided. A document can be handed in while it is open."),
    "partners.too_many_locations": _("A company can have %(limit)s locations. Ask support if yours has more."),
    "partners.location_removed": _("Location %(number)s was removed and can't be changed."),
    "enrolment.recovery_running": _("A recovery of this company is already under way."),
    "enrolment.recovery_needs_another": _("Somebody else than who started the recovery has to agree."),
    "enrolment.recovery_over": _("This recovery is over. Nothing has been changed."),
    "date.in_past": _("Enter a date that is not before today."),
    "people.place_ended": _("This person has left already."),
    "orders.waits_for_approval": _("Order %(number)s waits for somebody of your company to approve it."),
    "orders.nothing_to_approve": _("Order %(number)s doesn't wait for an approval."),
    "orders.approval_needs_another": _("Somebody else than who asked for the order has to approve it."),
}
