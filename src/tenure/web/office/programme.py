"""The programme in force, to be read: policies, offers, prices, texts and the versions there have been.

It must never change it: a file does, applied as a whole. Read next: ``docs/how-to/change-the-programme.md``.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tenure.kernel.money import Money
from tenure.people.queries import names
from tenure.programme.queries import versions
from tenure.web.shared.pages import office


@office("office.view")
def programme(request: HttpRequest) -> HttpResponse:
    """Everything the operator has decided, as it stands today."""
    now = request.programme
    applied = versions()
    people = names({row.applied_by for row in applied})
    policy = now.policy_on(request.today)
    given = {
        "policies": sorted(now.policies, key=lambda p: (p.valid_from, p.version), reverse=True),
        "policy": policy,
        "retries": list(map(str, policy.retry_days)),
        "reminders": [_offset(day) for day in policy.reminder_days],
        "limits": [Money(minor, currency) for currency, minor in sorted(policy.refund_limit.items())],
        "offers": [(offer, [price for price in now.prices if price.offer == offer.code]) for offer in now.offers],
        "families": now.families,
        "agreements": now.agreements,
        "letters": now.letters,
        "roles": [(role, ", ".join(sorted(role.permissions))) for role in now.roles],
        "versions": [(row, row.sha256[:12], people.get(row.applied_by, "")) for row in applied],
        "version": applied[0],
    }
    return render(request, "office/programme.html", given)


def _offset(days: int) -> str:
    """A day counted from the expiry, in words."""
    if days < 0:
        return _("%(n)s days before expiry") % {"n": -days}
    return _("%(n)s days after it") % {"n": days}
