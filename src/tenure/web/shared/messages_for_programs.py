"""Refusals that only a program meets: keys, bodies, headers, pages of a list. A part of ``messages.py``.

It must never decide anything. Read next: ``web/shared/messages.py``.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

FOR_PROGRAMS: dict[str, Any] = {
    "access.key_missing": _("Send an API key as Authorization: Bearer."),
    "access.key_unknown": _("This API key isn't known, has ended, or its maker may no longer use it."),
    "access.partner_key_needed": _("This belongs to one company. Ask with a key of that company."),
    "request.unreadable": _("The body isn't JSON that can be read."),
    "request.not_an_object": _("The body has to be one JSON object."),
    "request.parameter_unknown": _("There is no parameter %(parameter)s here."),
    "request.method_unknown": _("This address can't be asked this way. See the Allow header."),
    "request.not_acceptable": _("The answer comes as %(media)s only."),
    "request.media_unknown": _("Send the body as %(media)s."),
    "request.too_large": _("The body is larger than is taken here."),
    "request.too_many": _("The key has used up its requests for this minute. Ask again in %(seconds)s seconds."),
    "paging.cursor_unknown": _("There is no such page of this list. Begin at its first page."),
    "precondition.failed": _("Somebody has changed it since you looked. Read it again, then decide."),
    "precondition.required": _("Say with If-Match which state you saw."),
    "server.fault": _("Something broke on our side. Ask again with the same idempotency key: nothing happens twice."),
    "idempotency.key_missing": _("This request moves money, so it needs an Idempotency-Key."),
    "idempotency.key_malformed": _("An Idempotency-Key is 1 to 255 visible ASCII characters."),
    "idempotency.in_flight": _("The same request is still being worked on. Ask again in a moment."),
    "people.key_is_over": _("API key %(prefix)s has ended or been replaced already."),
    "people.key_of_another": _("Only the person who made API key %(prefix)s can replace it."),
}
