"""Letters: queued with their cause, put into words and sent after commit, each at most once.

It decides whether a queued letter still holds true when it leaves, and records sent or suppressed with the
reason. It must never carry prose: the words come from the doors through ``wiring.LETTERS``.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from tenure.kernel.access import Side, declare
from tenure.plumbing.crash import passes
from tenure.plumbing.db import unpack, wiring
from tenure.plumbing.models import Mail

log = logging.getLogger(__name__)
ATTEMPTS = 8
declare("mail.view", Side.STAFF, says="See every letter and what became of it.")


def queue(letters: list[Mail]) -> None:
    """Put letters into the queue; one with a key already there is the same letter and changes nothing."""
    Mail.objects.bulk_create(letters, ignore_conflicts=True)


def deliver(now: datetime) -> int:
    """Send what is queued, oldest first; returns how many left. A failing mail server keeps them queued."""
    sent = 0
    while (mail := _next(now)) is not None:
        sent += mail.state == "sent"
    return sent


def _next(now: datetime) -> Mail | None:
    # The row stays locked while the letter leaves: a second worker skips it, a crash leaves it queued. The
    # mail server may then get it twice, with the same message id (reliability.md §3.5, mail out).
    with transaction.atomic():
        mail = (
            Mail.objects.select_for_update(skip_locked=True).filter(state="queued").order_by("attempts", "id").first()
        )
        if mail is None or mail.attempts >= ATTEMPTS:
            return None
        mail.attempts += 1
        mail.state, mail.reason = _send(mail, now)
        mail.sent_at = now if mail.state != "queued" else None
        mail.save()
    return None if mail.state == "queued" else mail


def _send(mail: Mail, now: datetime) -> tuple[str, str]:
    prefix = mail.about.split(":")[0]
    if prefix and (untrue := wiring().STILL_TRUE[prefix](mail.about, now)):
        return "suppressed", untrue
    mail.subject, mail.body = wiring().put_into_words(mail.code, unpack(mail.facts), mail.language)
    message = EmailMessage(
        subject=mail.subject,
        body=mail.body,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.address],
        headers={"Message-ID": f"<mail-{mail.pk}@tenure>", "Content-Language": mail.language},
    )
    try:
        message.send()
        passes("mail.sent")
    except OSError:
        log.exception("mail %s could not be handed over", mail.pk)
        return ("parked", "mail server") if mail.attempts >= ATTEMPTS else ("queued", "mail server")
    return "sent", ""
