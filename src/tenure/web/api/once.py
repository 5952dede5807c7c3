"""Asked twice, done once: the idempotency key of a request, and the answer that is given again.

It decides when a key is needed, and which answers are worth keeping. It must never run a request whose twin is under
way. Read next: ``plumbing/answers.py``.
"""

import hashlib
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tenure.kernel.refusals import Refusal
from tenure.plumbing import answers
from tenure.plumbing.answers import Said, fingerprint
from tenure.web.api.problems import of_fault, of_refusal

HEADER = "Idempotency-Key"
SOUND = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_HEADERS = ("Content-Type", "Content-Language", "Location", "ETag", "Cache-Control")


def key_of(request: HttpRequest, *, required: bool) -> str | None:
    """The request's key. Whatever moves money must have one, so that a retry can't move it twice."""
    key = request.headers.get(HEADER)
    if key is None:
        if required:
            raise Refusal("idempotency.key_missing")
        return None
    if not SOUND.fullmatch(key):
        raise Refusal("idempotency.key_malformed")
    return key


def order_key(key: str) -> str:
    """The key under which an order is made: as long as any, never a checkout's."""
    return f"api:{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def once(request: HttpRequest, key: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    """Run a request under its key, or say again what was said to it."""
    scope = f"partner:{request.bearer.partner_id}" if request.bearer.partner_id else "office"
    said = answers.claim(scope, key, _fingerprint(request))
    if said is not None:
        answer = HttpResponse(said.body, status=said.status, headers=said.headers)
        answer["Idempotency-Replayed"] = "true"
        return answer
    try:
        answer = run()
    except Refusal as refusal:
        answer = of_refusal(refusal)
    except Exception as fault:
        # The verb may have gone as far as it could: the same request goes through it again and finds what is there.
        answers.let_go(scope, key)
        return of_fault(request, fault)
    headers = {name: answer[name] for name in KEPT_HEADERS if name in answer}
    answers.keep(scope, key, Said(answer.status_code, headers, answer.content))
    return answer


def _fingerprint(request: HttpRequest) -> str:
    """The request as far as it means something: the same fields and files, however they were packed."""
    parts = [request.method.encode(), request.path.encode()]
    if request.content_type == "multipart/form-data":
        for name, values in sorted(request.POST.lists()):
            parts += [name.encode(), *(value.encode() for value in values)]
        for name, file in sorted(request.FILES.items()):
            parts += [name.encode(), (file.name or "").encode(), hashlib.sha256(file.read()).digest()]
            file.seek(0)
    else:
        parts.append(request.body)
    return fingerprint(*parts)
