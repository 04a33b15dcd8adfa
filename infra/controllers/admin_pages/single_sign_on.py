"""Signing in at an issuer of OpenID Connect, in place of a key."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from hmac import compare_digest
from urllib.parse import quote, unquote

from starlette.responses import Response

from domain.errors import InvalidApiKeyError
from infra.controllers.admin_pages.guard import AdminPage, set_session
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.services import SingleSignOn

COOKIE = "llmproxy_admin_sign_in"
"""State and verifier of a sign-in under way. ``SameSite=Lax``: a Strict one would not come back from the issuer."""
_SECONDS = 600
_PATH = "/admin/login"
_LONGEST_TOKEN = 2500
"""Of a token that a session can hold: its cookie has to fit into 4,096 bytes."""


async def _get_issuer(page: PageRequest) -> Response:
    flow = _flow(page)
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    response = page.redirect(await flow.address(_redirect_uri(page), state, challenge))
    _set_cookie(page, response, f"{state}|{verifier}|{quote(page.back(page.query.get('next')), safe='')}", _SECONDS)
    return response


async def _get_callback(page: PageRequest) -> Response:
    flow = _flow(page)
    state, _, rest = page.request.cookies.get(COOKIE, "").partition("|")
    verifier, _, target = rest.partition("|")
    code = page.query.get("code", "")
    if not code or not state or not compare_digest(state.encode(), page.query.get("state", "").encode()):
        return _refused(page, "a sign-in that was not begun here, or was refused by the issuer")
    try:
        token = await flow.token(code, verifier, _redirect_uri(page))
    except InvalidApiKeyError as error:
        return _refused(page, error.message)
    person = await page.services.identify(token) if len(token) <= _LONGEST_TOKEN else None
    if person is None:
        return _refused(page, "no role of an administrator in the issuer's token")
    # Not a redirect: the browser sends a Strict cookie only where a page of our own leads on.
    response = page.render("signed_in.html", target=page.back(unquote(target)))
    set_session(page, response, page.services.sessions.begin(person.id, token))
    _set_cookie(page, response, "", 0)
    return response


def _flow(page: PageRequest) -> SingleSignOn:
    if page.services.single_sign_on is None:
        raise page.unknown(page.request.url.path)
    return page.services.single_sign_on


def _redirect_uri(page: PageRequest) -> str:
    scheme = "https" if page.services.secure else page.request.url.scheme
    return f"{scheme}://{page.request.headers.get('host', '')}{_PATH}/callback"


def _refused(page: PageRequest, reason: str) -> Response:
    page.refused(reason)
    response = page.render("login.html", 401, next="/admin", fault="issuer", left=None)
    _set_cookie(page, response, "", 0)
    return response


def _set_cookie(page: PageRequest, response: Response, value: str, seconds: int) -> None:
    response.set_cookie(COOKIE, value, seconds, path=_PATH, secure=page.services.secure, httponly=True, samesite="lax")


PAGES = (
    AdminPage("GET", "/admin/login/issuer", None, _get_issuer, open=True),
    AdminPage("GET", "/admin/login/callback", None, _get_callback, open=True),
)
