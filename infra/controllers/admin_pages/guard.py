"""The checks that every page passes: session, permission, origin and token of forms, and headers of answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from application.admin.messages import CommandError
from application.errors import ConflictError, StoreUnavailableError
from domain.administrators import Permission
from domain.errors import BodyTooLargeError, GatewayError
from infra.controllers.admin_pages.page_request import PageError, PageRequest
from infra.controllers.admin_pages.services import AdminServices
from infra.controllers.admin_pages.sessions import COOKIE, Session
from infra.controllers.errors import status_of

logger = logging.getLogger("llmproxy.admin")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy: nothing inline, nothing from or to another host."""
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
_MOST_FIELDS = 2000

Serve = Callable[[PageRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AdminPage:
    """A page.

    Args:
        method: ``GET`` or ``POST``.
        path: its address.
        permission: what its reader needs; None if every administrator may.
        serve: makes the answer.
        open: needs no session.
    """

    method: str
    path: str
    permission: Permission | None
    serve: Serve
    open: bool = False


def endpoint_of(page: AdminPage, services: AdminServices) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a page with all of its checks."""

    async def endpoint(request: Request) -> Response:
        asked = PageRequest(request, services)
        try:
            response = await _serve(page, asked)
        except PageError as error:
            response = _failed(asked, error.status, error.title, error.text)
        except CommandError as error:
            response = _failed(asked, 400, asked.text("That cannot be done"), str(error))
        except ConflictError as error:
            response = _failed(asked, 409, asked.text("Somebody else was faster"), str(error))
        except StoreUnavailableError as error:
            response = _failed(asked, 503, asked.text("The store is unavailable"), str(error))
        except GatewayError as error:
            response = _failed(asked, status_of(error), asked.text("That failed"), error.message)
        except Exception as error:  # noqa: BLE001 - a fault of ours is a page with its request id, and in the log
            record = getattr(request.state, "record", None)
            if record is not None:
                record.broke(error)
            text = asked.text("The server has an internal error. It is in its log, with this request id.")
            response = _failed(asked, 500, asked.text("That failed"), text)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return endpoint


async def _serve(page: AdminPage, asked: PageRequest) -> Response:
    if page.method == "POST":
        _check_origin(asked)
        await _read_form(asked)
    if page.open:
        return await page.serve(asked)
    session = await asked.services.sessions.read(asked.request.cookies.get(COOKIE))
    person = None if session is None else await asked.services.identify(session.credential)
    if session is None or person is None or person.id != session.administrator:
        return _to_sign_in(asked)
    asked.session, asked.administrator = session, person
    if page.method == "POST" and not compare_digest(asked.form.get("csrf", ""), session.token):
        title = asked.text("This form is out of date")
        raise PageError(403, title, asked.text("Load the page again, then send it once more. Nothing was changed."))
    if page.permission is not None:
        asked.require(page.permission)
    try:
        response = await page.serve(asked)
    finally:
        if page.method == "POST":  # this process serves from the changed documents at once
            with suppress(StoreUnavailableError):
                await asked.services.view.refresh()
    renewed = asked.services.sessions.renewed(session)
    if renewed is not None and "set-cookie" not in response.headers:
        set_session(asked, response, renewed)
    return response


def set_session(asked: PageRequest, response: Response, session: Session | None) -> None:
    """Give the browser the cookie of a session, or take it away."""
    value = "" if session is None else asked.services.sessions.sealed(session)
    response.set_cookie(
        COOKIE,
        value,
        max_age=0 if session is None else None,
        path="/admin",
        secure=asked.services.secure,
        httponly=True,
        samesite="strict",
    )


def _to_sign_in(asked: PageRequest) -> Response:
    url = asked.request.url
    target = f"{url.path}?{url.query}" if url.query else url.path
    again = f"?next={quote(target, safe='')}" if asked.request.method == "GET" and target != "/admin" else ""
    if asked.request.headers.get("hx-request"):  # htmx follows a redirect by itself, into a part of the page
        return Response(headers={"hx-redirect": "/admin/login"})
    return asked.redirect(f"/admin/login{again}")


def _check_origin(asked: PageRequest) -> None:
    headers = asked.request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    # The browser itself compares origins where it says so; a proxy in front may have changed the port in Host.
    foreign = site not in {"same-origin", "none"}
    if site is None:
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    if foreign:
        asked.refused("sent from another site")
        text = asked.text("The form was sent from another site. Nothing was changed.")
        raise PageError(403, asked.text("Not permitted"), text)


async def _read_form(asked: PageRequest) -> None:
    try:
        body = await asked.request.body()
    except BodyTooLargeError:
        text = asked.text("A form may have at most 1 MB. Nothing was changed.")
        raise PageError(413, asked.text("Too large"), text) from None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        text = asked.text("The form cannot be read. Nothing was changed.")
        raise PageError(400, asked.text("That cannot be done"), text) from None
    asked.lists = fields
    asked.form = {name: values[-1] for name, values in fields.items()}


def _failed(asked: PageRequest, status: int, title: str, text: str) -> Response:
    record = getattr(asked.request.state, "record", None)
    template = "error_open.html" if asked.administrator is None else "error.html"
    return asked.render(template, status, title=title, text=text, request_id=getattr(record, "request_id", ""))
