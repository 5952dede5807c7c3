"""Refusals about certificates of withheld tax and of exemption.

A part of ``messages.py``. It must never decide anything. Read next: ``web/shared/messages.py``.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

TAX: dict[str, Any] = {
    "withholding.not_in_country": _("In your company's country tax can't be withheld. Transfer the whole total."),
    "withholding.too_much": (
        _("At most %(most)s may be withheld of this order. Enter what the certificate shows."),
        _("This is more than may be withheld. Enter what the certificate shows."),
    ),
    "withholding.tax_year": (
        _("Enter a year from %(first)s to %(last)s."),
        _("Enter the tax year of the certificate."),
    ),
    "withholding.certificate_missing": _("Enter the certificate's number."),
    "withholding.already_sent": (
        _("A certificate for order %(number)s has been sent already. You'll hear from us when it is decided."),
        _("A certificate for this order has been sent already."),
    ),
    "withholding.another_counts": (
        _("Another certificate pays for order %(number)s already."),
        _("Another certificate pays for this order already."),
    ),
    "withholding.over": (
        _("With this certificate order %(number)s would have %(over)s too much: money and tax must be its total."),
        _("With this certificate the order would have too much: money and tax must be its total."),
    ),
    "withholding.decided": _("This certificate has been decided in the meantime. Look at it again."),
    "exemption.certificate_missing": _("Enter the certificate's number."),
    "exemption.ends_before_it_begins": _("The last day comes before the first. Check both dates."),
    "exemption.over": _("An exemption that is over frees no order from tax. Send a certificate that still holds."),
    "exemption.already_asked": _("Your company's application is being checked. You'll hear from us soon."),
    "exemption.decided": _("This application has been decided in the meantime. Look at it again."),
}
