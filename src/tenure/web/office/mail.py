"""Letters: every one that was written, to whom, and what became of it.

Links in a letter that prove who reads it are the reader's alone: they are never shown here. Read next:
``plumbing/mail.py``.
"""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tenure.partners.queries import find
from tenure.plumbing.queries import letter as letter_by_id
from tenure.plumbing.queries import letters
from tenure.web.office.lists import chosen, filters, paged, searched
from tenure.web.shared.pages import found, office
from tenure.web.shared.statuses import status_of

STATES = ("queued", "sent", "suppressed", "parked")
# Whoever follows such a link is taken for the person it was sent to.
PERSONAL = ("people.invitation", "enrolment.confirm_email")
LINK = re.compile(r"https?://\S+")


@office("mail.view")
def mail(request: HttpRequest) -> HttpResponse:
    """Letters, the newest first, by state, address or subject."""
    q, state = searched(request), chosen(request, "state", STATES)
    options = [(s, status_of(f"mail.{s}")[0]) for s in STATES]
    given = {
        "page": paged(request, letters(q, state)),
        "q": q,
        "state": state,
        "filters": filters(request, "state", options),
    }
    return render(request, "office/mail.html", given)


@office("mail.view")
def letter(request: HttpRequest, id: int) -> HttpResponse:
    """One letter as it was sent, as plain text."""
    row = found(letter_by_id(id))
    personal = row.code in PERSONAL
    body = LINK.sub(_("[a link for the reader alone]"), row.body) if personal else row.body
    given = {"letter": row, "body": body, "personal": personal, "nav": "office:mail"}
    given["company"] = find(row.partner_id) if row.partner_id else None
    return render(request, "office/letter.html", given)
