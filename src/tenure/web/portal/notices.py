"""What a person has been told in the app: the same words as in the mail of the same event."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tenure.people import actions as people
from tenure.people import queries as known
from tenure.plumbing.db import unpack
from tenure.web.shared.language import language
from tenure.web.shared.letters import put_into_words
from tenure.web.shared.pages import portal

PAGE = 30


@portal("notices.view")
def notices(request: HttpRequest) -> HttpResponse:
    """The newest first; a press marks all as read."""
    if request.method == "POST":
        people.read_notices(request.actor, None, now=request.now)
        return redirect("portal:notices")
    page = Paginator(known.notices(request.person), PAGE).get_page(request.GET.get("page"))
    told = [(row, put_into_words(row.code, unpack(row.facts), language())[0]) for row in page]
    return render(request, "portal/notices.html", {"told": told, "page": page})
