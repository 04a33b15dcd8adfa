"""The one handler of OpenAI's endpoints. Raw ASGI: nothing runs here that a call does not need."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from application.serving.exchange import Exchange
from application.serving.serve import Serving
from application.serving.use_case import UseCase
from domain.errors import BodyTimeoutError, CallerGoneError, GatewayError, MethodNotAllowedError, UnavailableError
from infra.controllers.callers import key_of
from infra.controllers.openai.body import read_bytes, read_members
from infra.controllers.openai.watch import Lookout, Watch
from infra.controllers.responses import Response, send_error, send_internal_error
from infra.controllers.visit import Visit


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request's body may cost us.

    Args:
        size: bytes.
        seconds: for all of it to arrive.
    """

    size: int
    seconds: float


class Handler:
    """Runs a use case for a request: read, serve, relay.

    Args:
        serving: the request path.
        limits: bounds of a body.
    """

    def __init__(self, serving: Serving, limits: BodyLimits) -> None:
        self._serving = serving
        self._limits = limits
        self._lookout = Lookout(limits.seconds)

    async def __call__(self, use_case: UseCase, scope: Scope, receive: Receive, send: Send, visit: Visit) -> None:
        """Answer one request, whatever happens."""
        response = Response(send, visit)
        watch = self._lookout.watch(receive)
        try:
            await self._serve(use_case, scope, receive, response, watch)
        except GatewayError as error:
            if not isinstance(error, CallerGoneError):
                await send_error(response, error)
            visit.failed(error)
        except asyncio.CancelledError:
            # Nobody cancels but the watch, and a server that stops and has waited long enough.
            reason = CallerGoneError() if watch.gone else _late() if watch.late else _stopping()
            visit.failed(reason)
            if not watch.gone:
                await send_error(response, reason)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not reach the caller as anything else
            visit.broke(error)
            await send_internal_error(response)
        finally:
            watch.end()

    async def _serve(self, use_case: UseCase, scope: Scope, receive: Receive, response: Response, watch: Watch) -> None:
        visit = response.visit
        if scope["method"] != "POST":
            raise MethodNotAllowedError(f"Only POST requests are accepted at {scope['path']}.", allowed="POST")
        headers = scope["headers"]
        caller = self._serving.authenticate(key_of(headers))
        visit.caller = caller
        body = await read_bytes(receive, headers, self._limits.size)
        watch.body_read()
        call = use_case.read(read_members(body), visit.request_id)
        exchange = self._serving.exchange(use_case, call, caller)
        visit.exchange = exchange
        if call.stream:
            await self._stream(exchange, response)
        else:
            answer = await self._serving.answer(exchange)
            await response.whole(200, answer.content_type, answer.body)

    async def _stream(self, exchange: Exchange, response: Response) -> None:
        relay = await self._serving.stream(exchange)
        async with aclosing(relay.blocks) as blocks:
            # Nothing is promised to the caller before the first block is there: what fails until then is a plain error.
            first = await anext(blocks, b"")
            await response.begin(relay.content_type, relay.failure)
            await response.block(first)
            async for block in blocks:
                await response.block(block)
        await response.end()


def _late() -> GatewayError:
    return BodyTimeoutError("The request body did not arrive in time.")


def _stopping() -> GatewayError:
    return UnavailableError("The server is being restarted.", retry_after=1)
