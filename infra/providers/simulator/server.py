"""The simulator as a server of its own: a pure ASGI application that speaks OpenAI's and Azure's paths."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from infra.providers.simulator.connection import Connection, Receive, Scope, Send
from infra.providers.simulator.counters import Counters
from infra.providers.simulator.faults import Faults
from infra.providers.simulator.http_chat import serve_chat
from infra.providers.simulator.keys import check_key, shown_headers
from infra.providers.simulator.options import SimulatorOptions
from infra.providers.simulator.refusal import RefusedError

Serve = Callable[[Connection, Mapping[str, Any], Faults, Counters, Callable[[], float]], Awaitable[None]]

OPERATIONS: Mapping[str, Serve] = {"chat/completions": serve_chat}
"""For each path below ``/v1/`` the module that serves it."""

MODEL = "simulator"


def create_simulator(options: SimulatorOptions, clock: Callable[[], float] = time.time) -> Simulator:
    """The ASGI application.

    Args:
        options: pace, faults and key.
        clock: seconds since 1970-01-01 UTC.
    """
    return Simulator(options, clock)


@dataclasses.dataclass(slots=True)
class _Last:
    """The last request that reached an operation."""

    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)


class Simulator:
    """Serves OpenAI's paths, Azure's, and its own below ``/simulator/`` (``calls``, ``last``, ``reset``)."""

    def __init__(self, options: SimulatorOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._number = 0
        self._last: _Last | None = None
        self.counters = Counters()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's entry."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            identity = (b"x-request-id", b"req_" + secrets.token_hex(16).encode())
            connection = Connection(receive, send, [identity, (b"openai-version", b"2020-10-01")])
            try:
                await self._serve(scope, connection)
            except RefusedError as refused:
                extra = [] if refused.retry_after is None else [(b"retry-after", b"%g" % refused.retry_after)]
                await connection.answer(refused.status, refused.body(), extra=extra)
            finally:
                connection.close()

    async def _serve(self, scope: Scope, connection: Connection) -> None:
        method, path = scope["method"], scope["path"]
        operation, deployment = _operation(path, scope.get("query_string", b""))
        if operation is not None:
            _demand(method, "POST", path)
            try:
                await self._operate(operation, deployment, scope, connection)
            except RefusedError:
                self.counters.failed += 1
                raise
        elif path == "/simulator/calls":
            _demand(method, "GET", path)
            await connection.answer(200, msgspec.json.encode(self.counters))
        elif path == "/simulator/last":
            _demand(method, "GET", path)
            await connection.answer(200, msgspec.json.encode(_described(self._last)))
        elif path == "/simulator/reset":
            _demand(method, "POST", path)
            self._number, self._last = 0, None
            self.counters.reset()
            await connection.answer(200, b"{}")
        elif path.startswith(("/v1/models", "/openai/v1/models")):
            _demand(method, "GET", path)
            check_key(scope["headers"], self._options.api_key)
            await connection.answer(200, msgspec.json.encode(self._models(path)))
        else:
            raise RefusedError(404, f"Invalid URL ({method} {path})")

    async def _operate(self, operation: str, deployment: str | None, scope: Scope, connection: Connection) -> None:
        raw = await connection.read()
        if raw is None:
            return
        self._last = _Last(
            scope["method"], scope["path"], scope.get("query_string", b"").decode("latin-1"), scope["headers"], raw
        )
        check_key(scope["headers"], self._options.api_key)
        body = _decoded(raw)
        if deployment is not None:
            body.setdefault("model", deployment)
        self._number += 1
        defaults = self._options.faults(self._number)
        await OPERATIONS[operation](connection, body, defaults, self.counters, self._clock)

    def _models(self, path: str) -> dict[str, Any]:
        name = path.partition("/models")[2].removeprefix("/")
        entry = {"id": name or MODEL, "object": "model", "created": 1_700_000_000, "owned_by": "simulator"}
        return entry if name else {"object": "list", "data": [entry]}


def _operation(path: str, query: bytes) -> tuple[str | None, str | None]:
    """The operation that a path means, and the deployment that Azure's way of writing it names."""
    for prefix in ("/v1/", "/openai/v1/"):
        if path.startswith(prefix):
            name = path.removeprefix(prefix)
            return (name if name in OPERATIONS else None), None
    if path.startswith("/openai/deployments/"):
        deployment, _, name = path.removeprefix("/openai/deployments/").partition("/")
        if name in OPERATIONS and deployment:
            if b"api-version" not in parse_qs(query):
                raise RefusedError(404, "Resource not found", code="404")
            return name, deployment
    return None, None


def _demand(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        said = f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
        raise RefusedError(405, said, code="method_not_supported")


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RefusedError(400, "We could not parse the JSON body of your request.")
    return body


def _described(last: _Last | None) -> dict[str, Any] | None:
    """The last request for a test to look at: its body decoded and as text, its credentials as short digests."""
    if last is None:
        return None
    try:
        body = msgspec.json.decode(last.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    return {
        "method": last.method,
        "path": last.path,
        "query": last.query,
        "headers": shown_headers(last.headers),
        "body": body,
        "text": last.body.decode("utf-8", "replace"),
        "sha256": hashlib.sha256(last.body).hexdigest(),
    }


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
