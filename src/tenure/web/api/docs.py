"""The API's document and its page: rendered here from the document itself, with nothing from any other host.

It must never be refused for want of a key: what the API can do is no secret. Read next: ``web/api/openapi.py``.
"""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from pydantic_core import to_json

from tenure.programme.queries import current
from tenure.web.api.door import speak
from tenure.web.api.openapi import document as document_of
from tenure.web.api.operations import OPERATIONS, etag
from tenure.web.api.problems import STATUSES, problem
from tenure.web.shared import messages
from tenure.web.shared.pages import machine, public


@machine
@csrf_exempt
@require_GET
def document(request: HttpRequest) -> HttpResponse:
    """The document, for programs."""
    body = to_json(document_of(current()))
    return HttpResponse(body, content_type="application/json", headers={"ETag": etag(body)})


@public
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The document, for people."""
    told = document_of(request.programme)
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in told["paths"].items():
        for method, details in methods.items():
            groups.setdefault(details["tags"][0], []).append(_entry(path, method.upper(), details, told))
    shapes = [(name, _pretty(shape)) for name, shape in sorted(told["components"]["schemas"].items())]
    given = {"groups": list(groups.items()), "shapes": shapes, "codes": _codes(), "count": len(OPERATIONS)}
    return render(request, "api/docs.html", given)


@machine
@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Whatever else stands under the API's address."""
    speak(request)
    return problem("access.not_found")


def _entry(path: str, method: str, details: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    good = next(status for status in details["responses"] if int(status) < 300)
    answer = details["responses"][good].get("content", {})
    body = details.get("requestBody", {}).get("content", {})
    return {
        "id": details["operationId"],
        "method": method,
        "path": path,
        "summary": details["summary"],
        "description": details.get("description", ""),
        "permission": details["x-permission"],
        "parameters": details["parameters"],
        "takes": _names(body),
        "gives": _names(answer),
        "status": good,
    }


def _names(content: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """For each media type, the shapes it is made of."""
    return [(media, _refs(each["schema"])) for media, each in content.items()]


def _refs(schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        return [schema["$ref"].rsplit("/", 1)[1]]
    return [name for each in schema.get("oneOf", []) + schema.get("anyOf", []) for name in _refs(each)]


def _pretty(shape: dict[str, Any]) -> str:
    return json.dumps(shape, ensure_ascii=False, indent=2)


def _codes() -> list[tuple[str, int, str]]:
    """Every code with its status and its words; a sentence with facts in it stands with their names."""
    found = []
    for code, sentence in sorted(messages.MESSAGES.items()):
        said = sentence[0] if isinstance(sentence, tuple) else sentence
        found.append((code, STATUSES.get(code, 409), str(said).replace("%(", "{").replace(")s", "}")))
    return found
