"""How a request goes out and comes back: the key, the idempotency key, retries, problems, pages.

A POST gets an idempotency key when none is given, and every retry carries the same one, so that nothing happens twice.
Only what may succeed later is tried again: no answer, "in flight", "too many", and faults of the server.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import requests

T = TypeVar("T")
LATER = (429, 500, 502, 503, 504)
IN_FLIGHT = "idempotency.in_flight"


class Problem(Exception):
    """The server says no: a stable code, the facts, the conditions, and words for people."""

    def __init__(self, status: int, told: dict[str, Any], headers: dict[str, str]):
        super().__init__(f"{status} {told.get('code', '')}: {told.get('detail', '')}")
        self.status = status
        self.code: str = told.get("code", "")
        self.detail: str = told.get("detail", "")
        self.facts: dict[str, Any] = told.get("facts", {})
        self.checks: list[dict[str, Any]] = told.get("checks", [])
        self.fields: dict[str, str] = {each["name"]: each["code"] for each in told.get("fields", [])}
        self.headers = headers


class Unreachable(Exception):
    """No answer came, however often it was tried. What was asked may have been done: ask again with the same key."""

    def __init__(self, message: str, idempotency_key: str | None):
        super().__init__(message)
        self.idempotency_key = idempotency_key


class Answer(Protocol):
    """What of an HTTP answer is used here."""

    status_code: int
    content: bytes

    @property
    def headers(self) -> Any: ...

    def json(self) -> Any: ...


class Session(Protocol):
    """What sends a request: ``requests.Session``, or anything of its shape."""

    def request(self, method: str, url: str, **given: Any) -> Answer: ...


class Transport:
    """One base address, one key."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        language: str = "en",
        retries: int = 4,
        timeout: float = 30,
        session: Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.base = f"{base_url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}", "Accept-Language": language}
        self._retries, self._timeout, self._sleep = retries, timeout, sleep
        self._session: Session = session or requests.Session()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        files: dict[str, tuple[str, bytes, str]] | None = None,
        form: dict[str, str] | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Answer:
        """Send a request until it is answered for good; raise ``Problem`` when the answer is no."""
        headers = dict(self._headers)
        if method == "POST":
            idempotency_key = idempotency_key or str(uuid.uuid4())
            headers["Idempotency-Key"] = idempotency_key
        if if_match:
            headers["If-Match"] = if_match
        given: dict[str, Any] = {"headers": headers, "timeout": self._timeout}
        if query:
            given["params"] = {name: _text(value) for name, value in query.items() if value is not None}
        if body is not None:
            given["json"] = body
        if files is not None:
            given |= {"files": files, "data": form or {}}
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = self._session.request(method, f"{self.base}{path}", **given)
            except requests.RequestException as silence:
                if last:
                    raise Unreachable(str(silence), idempotency_key) from silence
                self._sleep(_pause(attempt))
                continue
            if answer.status_code < 400:
                return answer
            problem = _problem(answer)
            if last or not (answer.status_code in LATER or problem.code == IN_FLIGHT):
                raise problem
            self._sleep(_asked_pause(answer) or _pause(attempt))
        raise AssertionError("a loop that ends")

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self.ask("GET", path, query=query).json()

    def post(
        self, path: str, body: dict[str, Any] | None, key: str | None, if_match: str | None = None
    ) -> dict[str, Any]:
        return self.ask("POST", path, body=body, idempotency_key=key, if_match=if_match).json()

    def pages(self, path: str, make: Callable[[dict[str, Any]], T], **query: Any) -> Iterator[T]:
        """Everything in a list, page by page as it is needed."""
        after: str | None = None
        while True:
            page = self.get(path, **query, after=after)
            yield from map(make, page["items"])
            after = page.get("next")
            if after is None:
                return


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _problem(answer: Answer) -> Problem:
    try:
        told = answer.json()
    except ValueError:
        told = {}
    return Problem(answer.status_code, told if isinstance(told, dict) else {}, dict(answer.headers))


def _asked_pause(answer: Answer) -> float:
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else 0.0


def _pause(attempt: int) -> float:
    """Longer each time, and never for two clients the same."""
    return min(8.0, 0.25 * 2**attempt) * (0.5 + random.random() / 2)
