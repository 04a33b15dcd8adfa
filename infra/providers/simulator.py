"""Adapter of the simulator: calls its operations in process, without a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from application.ports.providers import Answer, StoredCall
from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.errors import (
    DeploymentUnusableError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from domain.estimates import estimate_tokens
from domain.model import ModelDocument
from domain.usage import Usage
from infra.simulator.errors import SimulatedError
from infra.simulator.faults import Faults, read_faults
from infra.simulator.operations import planned
from infra.simulator.reply import JSON, Ending, Pieces, Reply, Request, Whole, plan_stream, stream_failure
from infra.simulator.stored_responses import ResponseStore, answer_stored
from infra.simulator.uploads import decoded_members, members_of

_FAULTLESS = Faults()
_CREDENTIAL = frozenset({401, 402, 403})
_UNKNOWN_MODEL = 404
_EVENTS_PER_BLOCK = 16  # without a pace


class SimulatorProvider:
    """Provider that answers by itself. ``parameters.defaults`` of a document may carry ``simulator`` orders.

    Args:
        clock: seconds since 1970-01-01 UTC, for ``created``.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, ResponseStore] = {}

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """Answer with a complete body; see the port."""
        plan, faults = await self._plan(call, document, stream=False)
        answer, timeout = plan.answer, document.parameters.timeout
        if faults.stall_after is not None:
            await _stall(timeout)
        await _pause(faults.due(plan.usage.output_tokens), timeout)
        if faults.cut_after is not None or faults.malformed or faults.empty or not isinstance(answer, Whole):
            raise UpstreamProtocolError(reason="simulated: invalid or truncated answer")
        body = answer.body()
        plan.completed()
        return Answer(body, answer.content_type, plan.reported)

    async def stream(self, call: Call, document: ModelDocument) -> SimulatedStream:
        """Begin to stream; see the port."""
        start = asyncio.get_running_loop().time()
        plan, faults = await self._plan(call, document, stream=True)
        timeout = document.parameters.timeout
        await _pause(faults.ttft, timeout)
        if faults.empty or not isinstance(plan.answer, Pieces):
            raise UpstreamProtocolError(reason="simulated: an empty stream")
        stream = SimulatedStream(plan, plan.answer, faults, timeout, start)
        await stream.begin()
        return stream

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Serve a request about a response that this document stored; see the port."""
        try:
            found = answer_stored(self._kept_by(document), call.action, call.response_id, call.query)
        except SimulatedError as refused:
            raise _refused(refused) from None
        return Answer(found.body, JSON, found.reported)

    def upstream_model(self, document: ModelDocument) -> str:
        """Return the model named in the document's parameters, else its code."""
        return document.parameters.model or document.code

    def unusable_because(self, document: ModelDocument) -> str | None:  # noqa: ARG002 - the port's signature
        """Return None: every document can be simulated."""
        return None

    def _kept_by(self, document: ModelDocument) -> ResponseStore:
        return self._kept.setdefault(document.id, ResponseStore())

    async def _plan(self, call: Call, document: ModelDocument, *, stream: bool) -> tuple[Reply, Faults]:
        try:
            members = self._members(call, document)
            faults = read_faults(members.get("simulator"), _FAULTLESS)
            failure = faults.failure()
            if failure is None and not faults.html:
                request = Request(
                    members=members,
                    created=int(self._clock()),
                    stream=stream,
                    form=call.form,
                    tokens=faults.tokens,
                    with_usage=not faults.no_usage,
                    kept=self._kept_by(document),
                )
                return await planned(call.endpoint, request), faults
        except SimulatedError as refused:
            raise _as_gateway_error(refused) from None
        await _pause(faults.ttft, document.parameters.timeout)
        if failure is not None:
            raise _as_gateway_error(failure)
        status = faults.status or 502
        raise UpstreamRefusedError(status, f"The model's provider answered with status {status} and no explanation.")

    def _members(self, call: Call, document: ModelDocument) -> dict[str, Any]:
        """Read the members of a request, with the document's defaults where the caller sets nothing."""
        sent = decoded_members(call.fields) if call.form is None else members_of(call.form)
        defaults = document.parameters.defaults
        body = {name: value for name, value in defaults.items() if OTHER_NAME.get(name) not in sent}
        return {**body, **sent, "model": self.upstream_model(document)}


class SimulatedStream:
    """A running simulated stream; see the port.

    Args:
        plan: the usage.
        pieces: the events to send.
        faults: the pace, the ending, and the error's code.
        timeout: longest wait for the next event, in seconds; None: no limit.
        start: when the call arrived, on the event loop's clock.
    """

    def __init__(self, plan: Reply, pieces: Pieces, faults: Faults, timeout: float | None, start: float) -> None:
        self.content_type = pieces.content_type
        self._plan = plan
        self._pieces = pieces
        self._script = plan_stream(pieces.events, faults)
        self._faults = faults
        self._timeout = timeout
        self._start = start
        self._sent = 0
        self._characters = 0
        self._usage: Usage | None = None
        self._first: bytes | None = None
        self._ended = False
        self._blocks = self._run()

    @property
    def usage(self) -> Usage | None:
        """Reported at the end, as upstreams do."""
        return self._usage

    def output_so_far(self) -> int:
        """Return the exact number of tokens delivered so far."""
        return estimate_tokens(self._characters) if self._pieces.counted else 0

    @property
    def ended(self) -> bool:
        """True if the last block completed the answer."""
        return self._ended

    async def begin(self) -> None:
        """Make the first block, so that an error before it is raised before the answer begins."""
        self._first = await anext(self._blocks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over blocks of whole events, at the ordered pace."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next block."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._blocks)

    async def aclose(self) -> None:
        """Stop the stream."""
        await self._blocks.aclose()

    async def _run(self) -> AsyncGenerator[bytes, None]:
        per_block = 1 if self._faults.tps or self._pieces.failure is None else _EVENTS_PER_BLOCK
        waiting: list[bytes] = []
        for sent, (event, characters) in enumerate(self._script.events, 1):
            if self._faults.tps and characters:
                due = self._start + self._faults.due(estimate_tokens(self._characters + characters))
                await _pause(due - asyncio.get_running_loop().time(), self._timeout)
            self._characters += characters
            waiting.append(event)
            self._sent = sent
            if len(waiting) == per_block:
                yield b"".join(waiting)
                waiting.clear()
                await asyncio.sleep(0)  # a long answer must not keep other calls waiting
        if (ending := self._script.ending) is Ending.COMPLETE:
            waiting.append(self._pieces.closing)
            self._ended = True
            self._usage = self._plan.reported
            self._plan.completed()
        failure = stream_failure(self._faults)
        if ending is Ending.ERROR and self._pieces.failure_completes and self._pieces.failure is not None:
            waiting.append(self._pieces.failure(failure, self._sent))
            self._ended = True
        if any(waiting):
            yield b"".join(waiting)
        if self._ended:
            return
        if ending is Ending.STALL:
            await _stall(self._timeout)
        if ending is Ending.ERROR:
            raise _as_gateway_error(failure)
        raise UpstreamProtocolError(reason=f"simulated: {ending.value} stream")


async def _pause(seconds: float, longest: float | None) -> None:
    if longest is not None and seconds > longest:
        await _stall(longest)
    if seconds > 0:
        await asyncio.sleep(seconds)


async def _stall(longest: float | None) -> None:
    """Send nothing until the proxy times out."""
    if longest is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(longest)
    raise UpstreamTimeoutError(reason="simulated: silence")


def _as_gateway_error(refused: SimulatedError) -> GatewayError:
    """Translate an error answer as an adapter on the wire does: credentials and unknown models concern the operator."""
    reason = f"simulated: status {refused.status}"
    if refused.status in _CREDENTIAL:
        return UpstreamCredentialError(reason=reason)
    return DeploymentUnusableError(reason) if refused.status == _UNKNOWN_MODEL else _refused(refused)


def _refused(refused: SimulatedError) -> UpstreamRefusedError:
    return UpstreamRefusedError(
        refused.status,
        refused.message,
        kind=refused.kind,
        param=refused.param,
        code=refused.code,
        retry_after=refused.retry_after,
    )
