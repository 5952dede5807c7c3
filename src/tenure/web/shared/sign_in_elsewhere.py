"""Signing in elsewhere: OpenID Connect, by code and with PKCE, from the first address to claims that are believed.

It decides what is believed: a token signed with a key of the very issuer that was set up, for us, for this one visit,
now. It must never take an address for an identity, nor an algorithm that the token chooses for itself. Read next:
``people/rules.py``, ``web/portal/elsewhere.py``.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from tenure.people import directories
from tenure.people.rules import identity_fault
from tenure.plumbing import clock, outgoing

INSTANCE = "sso"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a public key alone: none at all, or one made with a shared secret, is no signature here."""
PENDING = "elsewhere"
KEPT = 5
SECONDS = 10
VALID_SECONDS = 15 * 60
MOST = 64 * 1024


class NotBelieved(Exception):
    """What came back is not believed; ``code`` says why, for the log and for whoever tests a set-up."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Provider:
    """Where people sign in elsewhere. ``partner_id`` is ``None`` for the one of the whole installation."""

    slug: str
    name: str
    issuer: str
    client: str
    secret: str
    partner_id: int | None = None

    @property
    def back(self) -> str:
        return f"{settings.TENURE_BASE_URL}/sign-in/{self.slug}/back/"


def provider(slug: str) -> Provider | None:
    """The provider of an address, if there is one."""
    if slug == INSTANCE:
        return of_instance()
    row = directories.by_slug(slug)
    if row is None:
        return None
    return Provider(row.slug, row.name, row.issuer, row.client, directories.secret_of(row), row.partner_id)


def of_instance() -> Provider | None:
    if not settings.TENURE_OIDC_ISSUER:
        return None
    return Provider(
        INSTANCE,
        settings.TENURE_OIDC_NAME,
        settings.TENURE_OIDC_ISSUER,
        settings.TENURE_OIDC_CLIENT_ID,
        settings.TENURE_OIDC_CLIENT_SECRET,
    )


def press(request: HttpRequest) -> str:
    """What a link of ours carries that does more than sign in, so that no other site can press it for somebody:

    whoever is led to a provider as somebody else would otherwise link a stranger's account with their own.
    """
    return salted_hmac("tenure.elsewhere", request.session.session_key or "").hexdigest()


def pressed_here(request: HttpRequest) -> bool:
    return constant_time_compare(request.GET.get("press", ""), press(request))


def begin(request: HttpRequest, at: Provider, purpose: str, **kept: Any) -> str:
    """The address to send somebody to; what has to come back with them is kept in their session."""
    found = _discover(at)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    pending = dict(list(request.session.get(PENDING, {}).items())[-KEPT:])
    pending[state] = {
        "slug": at.slug,
        "issuer": at.issuer,
        "nonce": nonce,
        "verifier": verifier,
        "purpose": purpose,
        "at": clock.machine().timestamp(),
        **kept,
    }
    request.session[PENDING] = pending
    asked = {
        "response_type": "code",
        "client_id": at.client,
        "redirect_uri": at.back,
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": _base64(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if purpose != "sign_in" or request.user.is_authenticated:
        # A proof of who one is, not of who was last signed in there.
        asked["prompt"] = "login"
    where = _endpoint(found, "authorization_endpoint", at)
    return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(asked)}"


def finish(request: HttpRequest, at: Provider) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was kept, and the claims that are believed. A state counts once, whatever becomes of it."""
    pending = request.session.get(PENDING, {})
    kept = pending.pop(request.GET.get("state", ""), None)
    request.session[PENDING] = pending
    if kept is None or kept["slug"] != at.slug or kept["issuer"] != at.issuer:
        raise NotBelieved("state")
    if clock.machine().timestamp() - kept["at"] > VALID_SECONDS:
        raise NotBelieved("late")
    # Who answers says so, where they say it at all: an answer meant for another provider is not taken here.
    if request.GET.get("iss", at.issuer) != at.issuer:
        raise NotBelieved("issuer")
    if "error" in request.GET or not request.GET.get("code"):
        raise NotBelieved("refused")
    found = _discover(at)
    token = _token(at, found, kept["verifier"], request.GET["code"])
    return kept, _believed(token, at, found, kept["nonce"])


def _believed(token: str, at: Provider, found: dict[str, Any], nonce: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise NotBelieved("algorithm")
        claims = jwt.decode(
            token,
            key=_key(header, at, found),
            algorithms=[header["alg"]],
            audience=at.client,
            issuer=at.issuer,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise NotBelieved("token") from error
    now = clock.machine().timestamp()
    if fault := identity_fault(claims, issuer=at.issuer, client=at.client, nonce=nonce, now=now):
        raise NotBelieved(fault)
    return claims


def _key(header: dict[str, Any], at: Provider, found: dict[str, Any]) -> Any:
    """The issuer's own key of that name, for signing, of the kind that the algorithm needs."""
    told = _json("GET", _endpoint(found, "jwks_uri", at), at).get("keys")
    usable = [
        key
        for key in (told if isinstance(told, list) else [])
        if isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
        and key.get("alg", header["alg"]) == header["alg"]
        and ("kid" not in header or key.get("kid") == header["kid"])
    ]
    if len(usable) != 1:
        raise NotBelieved("key")
    return jwt.PyJWK(usable[0], algorithm=header["alg"]).key


def _token(at: Provider, found: dict[str, Any], verifier: str, code: str) -> str:
    """The ID token for a code, asked for by us with our secret and the verifier that only this visit knows."""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": at.back,
        "client_id": at.client,
        "client_secret": at.secret,
        "code_verifier": verifier,
    }
    token = _json("POST", _endpoint(found, "token_endpoint", at), at, fields).get("id_token")
    if not isinstance(token, str):
        raise NotBelieved("token")
    return token


def _discover(at: Provider) -> dict[str, Any]:
    found = _json("GET", f"{at.issuer.rstrip('/')}/.well-known/openid-configuration", at)
    told = found.get("issuer")
    if not isinstance(told, str) or not hmac.compare_digest(told.encode(), at.issuer.encode()):
        raise NotBelieved("issuer")
    return found


def _endpoint(found: dict[str, Any], name: str, at: Provider) -> str:
    """An address that the issuer names; never less well kept than the issuer itself."""
    told = found.get(name)
    if not isinstance(told, str) or not told.startswith(("https://", "http://")):
        raise NotBelieved("configuration")
    if at.issuer.startswith("https:") and not told.startswith("https:"):
        raise NotBelieved("configuration")
    return told


def _json(method: str, url: str, at: Provider, fields: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask the provider. One that a company chose is asked as any address of somebody else's choosing is."""
    try:
        status, body = _asked(method, url, at, fields)
        told = json.loads(body)
    except (requests.RequestException, outgoing.Failed, ValueError) as error:
        raise NotBelieved("unreachable") from error
    if status != 200 or not isinstance(told, dict):
        raise NotBelieved("unreachable")
    return told


def _asked(method: str, url: str, at: Provider, fields: dict[str, str] | None) -> tuple[int, bytes]:
    body = urlencode(fields).encode() if fields else b""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if at.partner_id is not None:
        answer = outgoing.post(url, body, form) if method == "POST" else outgoing.get(url)
        return answer.status, answer.body
    with requests.request(
        method, url, data=body or None, headers=form, timeout=SECONDS, allow_redirects=False, stream=True
    ) as reply:
        return reply.status_code, reply.raw.read(MOST, decode_content=True)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
