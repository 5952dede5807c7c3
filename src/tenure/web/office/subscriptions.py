"""Subscriptions: who holds what and how it stands today, those that end first on top.

It must never derive a standing; ``memberships`` does, in SQL for lists. Read next: ``memberships/queries.py``.
"""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tenure.memberships.queries import listed
from tenure.memberships.rules import Status
from tenure.web.office.lists import chosen, filters, paged, searched
from tenure.web.shared.language import language
from tenure.web.shared.pages import office
from tenure.web.shared.statuses import status_of

STATUSES = (Status.ACTIVE, Status.RENEWAL_WINDOW, "suspended", Status.LAPSED, Status.CANCELLED)
EXPIRES_WITHIN = ("30", "90", "365")


@office("memberships.view")
def subscriptions(request: HttpRequest) -> HttpResponse:
    """All subscriptions, by status, offer, expiry and company; the address keeps what was chosen."""
    names = {offer.code: offer.name for offer in request.programme.offers}
    q = searched(request)
    status, offer = chosen(request, "status", map(str, STATUSES)), chosen(request, "offer", names)
    within = chosen(request, "within", EXPIRES_WITHIN)
    rows = listed(request.today, status=status, offer=offer, text=q)
    if within:
        rows = rows.filter(expires_on__range=(request.today, request.today + timedelta(days=int(within))))
    given = {
        "page": (page := paged(request, rows)),
        "rows": [(row, names.get(row.offer, row.offer)) for row in page.rows],
        "q": q,
        "status": status,
        "offer": offer,
        "within": within,
        "status_filters": filters(request, "status", [(str(s), status_of(s)[0]) for s in STATUSES]),
        "offer_filters": filters(request, "offer", [(code, name.say(language())) for code, name in names.items()]),
        "within_filters": filters(request, "within", [(n, _("%(n)s days") % {"n": n}) for n in EXPIRES_WITHIN]),
    }
    return render(request, "office/subscriptions.html", given)
