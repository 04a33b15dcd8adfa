"""The outermost ASGI application: OpenAI's endpoints by one dict look-up, everything else through FastAPI.

Measured: FastAPI's own routing and middleware stack costs as much as the whole request path, see docs/decisions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import GatewayError
from infra.controllers.addresses import Networks, caller_address
from infra.controllers.asgi_response import Response, send_body, send_error, send_internal_error
from infra.controllers.headers import request_id_of
from infra.controllers.openai.routes import ROUTES, Route, StoredRoute, find_route
from infra.controllers.page_body import PageBody
from infra.controllers.request_log import AccessLog, RequestRecord

_NONE = Networks()

Serve = Callable[[Route | StoredRoute, Scope, Receive, Send, RequestRecord], Awaitable[None]]
"""Serves model calls: a ``Handler``."""


class AsgiApp:
    """The ASGI application: assigns request ids, selects the handler, and writes the access log.

    Args:
        handler: serves model calls.
        pages: serves everything except model calls.
        access_log: receives the facts of each finished request.
        trusted_proxies: whose ``X-Forwarded-For`` is believed.
        check: raises a ``GatewayError`` for heads of requests that are not served at all; None serves all of them.
        count: counts each finished request.
    """

    def __init__(
        self,
        handler: Serve,
        pages: ASGIApp,
        access_log: AccessLog | None,
        *,
        trusted_proxies: Networks = _NONE,
        check: Callable[[Scope], None] | None = None,
        count: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        self._trusted_proxies = trusted_proxies
        self._check = check
        self._handler = handler
        self._pages = pages
        self._access_log = access_log
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        path = scope["path"]
        record = RequestRecord(request_id_of(scope["headers"]), scope["method"], path)
        record.address = caller_address(scope, self._trusted_proxies)
        route = ROUTES.get(path) or find_route(path)
        try:
            if self._check is not None:
                self._check(scope)
            if route is not None:
                record.endpoint = route.endpoint
                await self._handler(route, scope, receive, send, record)
            else:
                await self._page(scope, receive, send, record)
        except GatewayError as error:
            record.failed(error)
            await send_error(Response(send, record, scope), error)
        finally:
            if self._access_log is not None and (route is not None or not record.probe):
                self._access_log(record.facts())
            if self._count is not None:
                self._count(record)

    async def _page(self, scope: Scope, receive: Receive, send: Send, record: RequestRecord) -> None:
        scope.setdefault("state", {})["record"] = record
        # The server omits the body of a response to HEAD. A final slash means the same page, without a redirect.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        scope = {**scope, "method": method, "path": scope["path"].rstrip("/") or "/"}

        async def with_request_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", record.request_id.encode("ascii"))]
            elif not message.get("more_body", False):
                await send_body(send, message.get("body", b""))
                return
            await send(message)

        try:
            await self._pages(scope, PageBody(scope, receive), with_request_id)
        except Exception as error:  # noqa: BLE001 - our own faults are reported as one fixed error
            record.broke(error)
            if record.status == 0:
                await send_internal_error(Response(send, record, scope))
        matched = scope.get("route")
        if matched is not None:
            record.endpoint = matched.path
