"""The simulator as a server: a pure ASGI application with OpenAI's and Azure's paths."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from application.ports.providers import StoredAction
from domain.form import Form
from domain.operation import Endpoint
from infra.simulator.connection import ClientConnection, Receive, Scope, Send
from infra.simulator.counters import Counters
from infra.simulator.errors import SimulatedError
from infra.simulator.faults import SimulatorOptions, read_faults
from infra.simulator.http_answer import refuse, respond
from infra.simulator.keys import check_key
from infra.simulator.last_request import LastRequest
from infra.simulator.operations import planned
from infra.simulator.paths import parse_path, stored_action
from infra.simulator.picture import PREFIX, draw, picture_at
from infra.simulator.reply import Request
from infra.simulator.responses.create import resume
from infra.simulator.stored_responses import ResponseStore, answer_stored
from infra.simulator.uploads import members_of, read_form

MODEL = "simulator"

_FORM = b"multipart/form-data"
_TRUE = (True, "true", "True", "1")
"""``stream`` in JSON and in forms."""


class Simulator:
    """ASGI application that serves OpenAI's and Azure's paths, ``/simulator/calls``, ``last``, ``reset``, ``images/``.

    Args:
        options: pace, faults and key.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, options: SimulatorOptions, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self._clock = clock
        self._number = 0
        self._last: LastRequest | None = None
        self._kept = ResponseStore()
        self.counters = Counters()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request_id = (b"x-request-id", b"req_" + secrets.token_hex(16).encode())
            connection = ClientConnection(receive, send, [request_id, (b"openai-version", b"2020-10-01")])
            try:
                await self._serve(scope, connection)
            except SimulatedError as refused:
                extra = [] if refused.retry_after is None else [(b"retry-after", b"%g" % refused.retry_after)]
                await connection.answer(refused.status, refused.body(), extra=extra)
            finally:
                connection.close()

    async def _serve(self, scope: Scope, connection: ClientConnection) -> None:
        method, path = scope["method"], scope["path"]
        parsed = parse_path(path, scope.get("query_string", b""))
        if parsed.endpoint is not None:
            _require(method, "POST", path)
            try:
                await self._operate(parsed.endpoint, parsed.deployment, scope, connection)
            except SimulatedError:
                self.counters.failed += 1
                raise
        elif parsed.stored is not None:
            check_key(scope["headers"], self._options.api_key)
            query = scope.get("query_string", b"").decode("latin-1")
            if method != "GET" or query:  # a plain retrieval is a poll, which may come at any time
                self._last = LastRequest(method, path, query, scope["headers"], b"")
            action, response_id = stored_action(method, path, parsed.stored)
            if action is StoredAction.RETRIEVE and parse_qs(query).get("stream") == ["true"]:
                await self._resume(response_id, query, connection)
                return
            found = answer_stored(self._kept, action, response_id, query)
            self.counters.add(found.counted)
            await connection.answer(200, found.body)
        elif path.startswith("/simulator/"):
            await self._own(method, path, connection)
        elif path.startswith(("/v1/models", "/openai/v1/models")):
            _require(method, "GET", path)
            check_key(scope["headers"], self._options.api_key)
            await connection.answer(200, msgspec.json.encode(self._models(path)))
        else:
            raise SimulatedError(404, f"Invalid URL ({method} {path})")

    async def _resume(self, response_id: str, query: str, connection: ClientConnection) -> None:
        """Stream a background response again. It does not count as a call; its usage counts once."""
        start = asyncio.get_running_loop().time()
        plan, _ = resume(self._kept, response_id, query)
        usage = Counters()
        await respond(connection, Endpoint.RESPONSES.value, plan, self._options.faults(0), usage, start)
        if usage.aborted + usage.failed == 0:
            self.counters.add(plan.usage)

    async def _own(self, method: str, path: str, connection: ClientConnection) -> None:
        if path == "/simulator/calls":
            _require(method, "GET", path)
            await connection.answer(200, msgspec.json.encode(self.counters))
        elif path == "/simulator/last":
            _require(method, "GET", path)
            shown = None if self._last is None else self._last.described()
            await connection.answer(200, msgspec.json.encode(shown))
        elif path == "/simulator/reset":
            _require(method, "POST", path)
            self._number, self._last = 0, None
            self._kept.clear()
            self.counters.reset()
            await connection.answer(200, b"{}")
        elif path.startswith(PREFIX) and (picture := picture_at(path)) is not None:
            _require(method, "GET", path)
            await connection.answer(200, draw(picture), picture.content_type)
        else:
            raise SimulatedError(404, f"Invalid URL ({method} {path})")

    async def _operate(
        self, endpoint: Endpoint, deployment: str | None, scope: Scope, connection: ClientConnection
    ) -> None:
        start = asyncio.get_running_loop().time()
        raw = await connection.read()
        if raw is None:
            return
        query = scope.get("query_string", b"").decode("latin-1")
        self._last = LastRequest(scope["method"], scope["path"], query, scope["headers"], raw)
        check_key(scope["headers"], self._options.api_key)
        members, form = await self._decoded(scope, raw)
        if deployment is not None:
            members.setdefault("model", deployment)
        self._number += 1
        faults = read_faults(members.get("simulator"), self._options.faults(self._number))
        if await refuse(connection, faults, self.counters):
            return
        request = Request(
            members=members,
            created=int(self._clock()),
            stream=members.get("stream") in _TRUE,
            form=form,
            tokens=faults.tokens,
            with_usage=not faults.no_usage,
            address=_address(scope),
            kept=self._kept,
        )
        plan = await planned(endpoint, request)
        await respond(connection, endpoint.value, plan, faults, self.counters, start)

    async def _decoded(self, scope: Scope, raw: bytes) -> tuple[dict[str, Any], Form | None]:
        kind = _header(scope, b"content-type")
        if kind.lower().startswith(_FORM):
            form = await read_form(kind, raw)
            if self._last is not None:
                self._last.form = form
            return members_of(form), form
        try:
            body = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise SimulatedError(400, "We could not parse the JSON body of your request.")
        return body, None

    def _models(self, path: str) -> dict[str, Any]:
        name = path.partition("/models")[2].removeprefix("/")
        entry = {"id": name or MODEL, "object": "model", "created": 1_700_000_000, "owned_by": "simulator"}
        return entry if name else {"object": "list", "data": [entry]}


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for each, value in scope["headers"] if each == name), b"")
    return found


def _address(scope: Scope) -> str:
    """Return the address of this server, from the ``Host`` header."""
    return f"{scope.get('scheme', 'http')}://{_header(scope, b'host').decode('latin-1')}"


def _require(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        message = f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
        raise SimulatedError(405, message, code="method_not_supported")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
