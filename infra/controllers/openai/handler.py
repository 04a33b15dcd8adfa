"""The handler of all OpenAI endpoints, in plain ASGI for speed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from starlette.types import Receive, Scope, Send

from application.ports.providers import StoredCall
from application.serving.accounting import CallAccount
from application.serving.ledger import CALLER_CONNECTED
from application.serving.resumed_stream import ResumedStream
from application.serving.serve import Serving
from application.serving.stream import Relay
from application.serving.use_case import UseCase, no_form, no_json
from application.serving.vendor_objects import search_in_steps
from application.use_cases.responses import RESPONSES
from domain.call import LARGE_MEMBER, Call
from domain.errors import (
    BodyTimeoutError,
    BodyTooLargeError,
    CallerGoneError,
    GatewayError,
    MethodNotAllowedError,
    UnavailableError,
)
from domain.form import Form
from domain.operation import Endpoint
from domain.project import Caller
from infra.clients.memory_budget import ALLOWANCE, Allowance, MemoryBudget
from infra.controllers.asgi_response import EVENT_STREAM, Response, send_error, send_internal_error
from infra.controllers.call_slots import CallSlots
from infra.controllers.headers import authenticated, cost_of_call, includes_cost, rate_headers, served_headers
from infra.controllers.openai.body import announced, read_bytes, read_members
from infra.controllers.openai.decoding import decoding
from infra.controllers.openai.disconnects import DisconnectMonitor, DisconnectWatch
from infra.controllers.openai.form import FormLimits, is_form, read_form, with_model
from infra.controllers.openai.keep_alive import KeepAlive
from infra.controllers.openai.routes import Route, StoredRoute
from infra.controllers.openai.stored import action_of, query_of, requests_stream
from infra.controllers.openai.upload_file import Uploads
from infra.controllers.request_log import RequestRecord

_ALWAYS_EVENTS = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
"""Endpoints whose streams are server-sent events whatever the upstream sends."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits of a request body.

    Args:
        size: bytes.
        seconds: for the complete body to arrive.
        file: bytes of one file in a form.
    """

    size: int
    seconds: float
    file: int


class Handler:
    """A handler that runs the use case of a request: read, serve, relay.

    Args:
        serving: the request path.
        limits: of request bodies.
        uploads: storage of forms.
        budget: memory for bodies and answers.
        slots: limit of calls at a time.
        keep_alive: seconds of silence after which a stream gets a comment.
    """

    def __init__(
        self,
        serving: Serving,
        limits: BodyLimits,
        uploads: Uploads,
        budget: MemoryBudget,
        slots: CallSlots,
        keep_alive: float = 15.0,
    ) -> None:
        self._budget = budget
        self._slots = slots
        self._serving = serving
        self._limits = limits
        self._form_limits = FormLimits(limits.size, limits.file)
        self._uploads = uploads
        self._keep_alive = KeepAlive(keep_alive)
        self._disconnects = DisconnectMonitor(limits.seconds)

    async def __call__(
        self, route: Route | StoredRoute, scope: Scope, receive: Receive, send: Send, record: RequestRecord
    ) -> None:
        """Respond to one request, whatever happens."""
        response = Response(send, record, scope)
        watch = self._disconnects.watch(receive)
        CALLER_CONNECTED.set(watch.connected)
        try:
            if isinstance(route, Route):
                await self._serve(route, scope, receive, response, watch)
            else:
                await self._stored(route, scope, response, watch)
        except BodyTooLargeError as error:
            watch.end()
            record.failed(error)
            await response.refuse_body(error, receive, self._limits.size)
        except GatewayError as error:
            if not isinstance(error, CallerGoneError):
                await send_error(response, error)
            record.failed(error)
        except asyncio.CancelledError:
            # Cancelled by the watch, or by a stopping server whose graceful period is over.
            reason = CallerGoneError() if watch.gone else _late() if watch.late else _stopping()
            record.failed(reason)
            if not watch.gone:
                await send_error(response, reason)
        except Exception as error:  # noqa: BLE001 - our own faults are reported as one fixed error
            record.broke(error)
            await send_internal_error(response)
        finally:
            watch.end()
            allowance = ALLOWANCE.get()
            if allowance is not None:
                allowance.release()

    async def _serve(
        self, route: Route, scope: Scope, receive: Receive, response: Response, watch: DisconnectWatch
    ) -> None:
        if scope["method"] != "POST":
            raise MethodNotAllowedError(f"Only POST requests are accepted at {scope['path']}.", allowed="POST")
        caller = await self._authenticate(scope, response)
        use_case, request_id = route.use_case, response.record.request_id
        content_type, encoding = announced(scope["headers"], self._limits.size)
        if encoding:
            receive = decoding(receive, encoding)
        if content_type != b"application/json" and is_form(content_type):
            if use_case.read_form is no_form:
                use_case.read_form(Form(()), request_id)
            with self._uploads.upload(caller.key_id or "") as upload:
                form = await read_form(receive, content_type, self._form_limits, upload)
                watch.body_read()
                if route.model is not None:
                    form = with_model(form, route.model)
                call = use_case.read_form(form, request_id)
                await self._call(use_case, call.arrived_with(scope["headers"]), caller, response)
            return
        if use_case.read is no_json:
            use_case.read({}, request_id)
        body = await read_bytes(receive, self._limits.size)
        members = await read_members(body)
        watch.body_read()
        if route.model is not None:
            members = {**members, "model": json.dumps(route.model).encode()}
        call = use_case.read(members, request_id).arrived_with(scope["headers"])
        if len(body) > LARGE_MEMBER:
            call = await search_in_steps(call)
        await self._call(use_case, call, caller, response)

    async def _call(self, use_case: UseCase, call: Call, caller: Caller, response: Response) -> None:
        project = caller.project.id
        if not self._slots.enter(project):
            await self._slots.wait(project)
        try:
            await self._admitted(use_case, call, caller, response)
        finally:
            self._slots.leave(project)

    async def _admitted(self, use_case: UseCase, call: Call, caller: Caller, response: Response) -> None:
        response.record.call = call
        account = self._serving.admit(use_case, call, caller)
        response.record.account = account
        if call.stream:
            await self._stream(account, response)
        else:
            answer = await self._serving.answer(account)
            await response.whole(200, answer.content_type, answer.body, self._headers(account))

    async def _stored(self, route: StoredRoute, scope: Scope, response: Response, watch: DisconnectWatch) -> None:
        watch.body_read()  # a body is ignored
        action = action_of(route, scope["method"], scope["path"])
        caller = await self._authenticate(scope, response)
        query, request_id = query_of(action, scope["query_string"]), response.record.request_id
        call = StoredCall(action, route.response_id, query, request_id, scope["headers"])
        if requests_stream(query):
            async with self._slots.held(caller.project.id):
                resumed = await self._serving.resume(RESPONSES, caller, call)
                silence = self._keep_alive.watch(response)
                try:
                    await self._relay(resumed, response)
                finally:
                    silence.end()
            return
        answer = await self._serving.stored(caller, call)
        await response.whole(200, answer.content_type, answer.body)

    async def _authenticate(self, scope: Scope, response: Response) -> Caller:
        caller = await authenticated(self._serving, scope["headers"])
        response.record.caller = caller
        ALLOWANCE.set(Allowance(self._budget, caller.project.id))
        return caller

    def _headers(self, account: CallAccount) -> Sequence[tuple[bytes, bytes]]:
        return (*served_headers(account), *rate_headers(self._serving.limits_of(account)))

    async def _stream(self, account: CallAccount, response: Response) -> None:
        early = account.candidates[0].early_head and account.call.endpoint in _ALWAYS_EVENTS
        silence = self._keep_alive.watch(response, partial(account.use_case.failure, b"", b"") if early else None)
        try:
            relay = await self._serving.stream(account)
            costed = account if includes_cost(account.call.headers) else None
            await self._relay(relay, response, self._headers(account), costed)
        finally:
            silence.end()

    @staticmethod
    async def _relay(
        relay: Relay | ResumedStream,
        response: Response,
        extra: Sequence[tuple[bytes, bytes]] = (),
        costed: CallAccount | None = None,
    ) -> None:
        async with aclosing(relay.blocks) as blocks:
            # The head is sent with the first block: a failure before that is a plain error response.
            first = await anext(blocks, b"")
            await response.begin(relay.content_type, relay.failure, extra)
            await response.block(first)
            async for block in blocks:
                await response.block(block)
        cost = None if costed is None else cost_of_call(costed)
        if cost is not None and relay.content_type.startswith(EVENT_STREAM):
            await response.block(b": x-llmproxy-cost: %b\n\n" % cost)  # a comment, which clients skip
        await response.end()


def _late() -> GatewayError:
    return BodyTimeoutError("The request body did not arrive in time.")


def _stopping() -> GatewayError:
    return UnavailableError("The server is being restarted.", retry_after=1)
