"""The document of the API (OpenAPI 3.1): what the declarations say, with the headers, problems and codes around them.

Codes that the programme decides (offers, roles, problem types) stand in it as the programme in force has them. It must
never promise what no operation does. Read next: ``web/api/operations.py``.
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any

from django.conf import settings
from ninja.openapi.schema import OpenAPISchema
from pydantic import TypeAdapter

from tenure.programme.rules import Programme
from tenure.web.api.operations import OPERATIONS, Operation, api
from tenure.web.api.problems import MEDIA, TITLES
from tenure.web.api.shapes import Problem

PREFIX = "api/v1"
REFS = "#/components/schemas/{model}"
LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "The language of titles and details: English or 繁體中文.",
    "schema": {"type": "string"},
    "example": "zh-Hant",
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your own name for this request. Sent again with it, the request is answered as it was the first "
    "time, for 30 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    "example": "3f1c0a52-9f7b-4f35-b0b0-6a8d1c1f7a11",
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the state you saw. Anybody's change since refuses yours with 412.",
    "schema": {"type": "string"},
    "example": "*",
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag you have; unchanged since, it is answered with 304.",
    "schema": {"type": "string"},
}
LIMITS = {
    "RateLimit-Limit": ("How many requests a key has in a minute.", "integer"),
    "RateLimit-Remaining": ("How many are left in this minute.", "integer"),
    "RateLimit-Reset": ("In how many seconds the next minute begins.", "integer"),
}
LINKS = {
    "createOrder": ("number", ("getOrder", "cancelOrder", "payOrder", "uploadPaymentProof")),
    "openSupportRequest": ("number", ("getSupportRequest", "replyToSupportRequest")),
    "invite": ("id", ("withdrawInvitation",)),
    "recordTransfer": ("id", ("getTransfer", "matchTransfer", "holdTransfer", "ignoreTransfer")),
}
"""What a new object can be asked for next, by the part of its answer that names it."""


def document(programme: Programme) -> dict[str, Any]:
    """The document, as the programme in force has it."""
    told = deepcopy(_declared())
    schemas = told["components"]["schemas"]
    kinds = schemas["RequestWanted"]["properties"]["problem_type"]
    kinds["enum"] = [kind.code for kind in programme.problem_types]
    kinds["examples"] = kinds["enum"][:1]
    roles = [role.code for role in programme.roles if role.side == "partner"]
    for shape in ("InvitationWanted", "UserChanged"):
        schemas[shape]["properties"]["roles"]["items"]["enum"] = roles
    return told


@lru_cache(maxsize=1)
def _declared() -> dict[str, Any]:
    told: dict[str, Any] = dict(OpenAPISchema(api, path_prefix=PREFIX))
    told["jsonSchemaDialect"] = "https://json-schema.org/draft/2020-12/schema"
    told["servers"] = [{"url": settings.TENURE_BASE_URL}]
    told["security"] = [{"key": []}]
    told["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, made in the portal or the office."}
    }
    problem = TypeAdapter(Problem).json_schema(ref_template=REFS)
    told["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
    for methods in told["paths"].values():
        for details in methods.values():
            _complete(details, OPERATIONS[details["operationId"]])
    return told


def _complete(details: dict[str, Any], of: Operation) -> None:
    """Headers in and out, and problems in their own media type."""
    details["parameters"] = [*(_parameter(each) for each in details.get("parameters", [])), *_headers_in(of)]
    details["x-permission"] = of.permission or ""
    for status, answer in details["responses"].items():
        answer["headers"] = {
            name: {"description": words, "schema": {"type": kind}} for name, (words, kind) in LIMITS.items()
        }
        if int(status) >= 400:
            answer["description"] = str(TITLES[int(status)])
            answer["content"] = {MEDIA: {"schema": {"$ref": REFS.format(model="Problem")}}}
        elif of.media != "application/json":
            answer["content"] = {of.media: {"schema": {"type": "string", "format": "binary"}}}
        if int(status) == 200:
            answer["headers"]["ETag"] = {"description": "Of this state.", "schema": {"type": "string"}}
        if int(status) == 429:
            answer["headers"]["Retry-After"] = {"description": "In seconds.", "schema": {"type": "integer"}}
    if of.id in LINKS:
        part, following = LINKS[of.id]
        links = {id: {"operationId": id, "parameters": {part: f"$response.body#/{part}"}} for id in following}
        details["responses"][201]["links"] = links
    if of.method == "GET":
        details["responses"][304] = {"description": "Unchanged since the ETag you sent"}


def _headers_in(of: Operation) -> list[dict[str, Any]]:
    found = [LANGUAGE]
    if of.method == "POST":
        found.append({**IDEMPOTENCY, "required": of.money})
    if of.conditional:
        found.append({**IF_MATCH, "required": of.conditional == "must"})
    if of.method == "GET":
        found.append(IF_NONE_MATCH)
    return found


def _parameter(told: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is left out; it is never sent as nothing."""
    schema = dict(told["schema"])
    choices = [each for each in schema.pop("anyOf", []) if each.get("type") != "null"]
    for each in choices:
        schema |= each
    schema.pop("title", None)
    if schema.get("default", "") is None:
        schema.pop("default")
    if told["in"] == "path" and schema.get("type") == "integer":
        schema |= {"minimum": 1, "maximum": 2**53}
    elif told["in"] == "path":
        schema |= {"minLength": 1, "maxLength": 60, "pattern": "^[A-Za-z0-9-]+$"}
    return {**told, "schema": schema}
