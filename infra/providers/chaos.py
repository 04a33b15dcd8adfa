"""Adapter of the port ``providers`` around another one: injects the faults of an experiment into its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from application.ports.providers import Answer, Provider, StoredCall, Stream
from application.serving.chaos import Chaos
from domain.attempt import Attempt
from domain.call import Call
from domain.chaos import InjectedFault, InjectionType
from domain.errors import (
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from domain.model import ModelDocument
from domain.usage import Usage

_RATE_LIMITED = 429
_END = b"\n\n"
"""End of an event. Audio without events is cut after as many pieces."""
_REASON = "an injected fault"
_MESSAGE = "The model's provider failed (a fault that was injected on purpose)."


class ChaosProvider:
    """A provider whose upstreams fail on purpose.

    Args:
        provider: serves the calls.
        chaos: chooses the fault of each call.
    """

    def __init__(self, provider: Provider, chaos: Chaos) -> None:
        self._provider = provider
        self._chaos = chaos

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        """See the port."""
        fault = self._chosen(call.request_id, document, attempt)
        if fault is not None:
            await _inject(fault, attempt)
        answer = await self._provider.answer(call, document, attempt)
        if fault is not None and fault.kind is InjectionType.CUT_STREAM:
            if attempt is not None:
                attempt.cut = True
            raise UpstreamProtocolError(reason=_REASON)
        return answer

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Stream:
        """See the port."""
        fault = self._chosen(call.request_id, document, attempt)
        if fault is not None:
            await _inject(fault, attempt)
        stream = await self._provider.stream(call, document, attempt)
        return CutStream(stream, fault) if fault is not None and fault.kind is InjectionType.CUT_STREAM else stream

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """See the port."""
        fault = self._chosen(call.request_id, document)
        if fault is not None:
            await _inject(fault, None)
        return await self._provider.stored(call, document)

    async def resume(self, call: StoredCall, document: ModelDocument) -> Stream:
        """See the port."""
        fault = self._chosen(call.request_id, document)
        if fault is not None:
            await _inject(fault, None)
        stream = await self._provider.resume(call, document)
        return CutStream(stream, fault) if fault is not None and fault.kind is InjectionType.CUT_STREAM else stream

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:
        """See the port. Probes meet the same faults."""
        fault = self._chosen("", document)
        if fault is not None:
            await _inject(fault, None)
        return await self._provider.check(document, connect_only=connect_only)

    def upstream_model(self, document: ModelDocument) -> str:
        """See the port."""
        return self._provider.upstream_model(document)

    def unusable_because(self, document: ModelDocument) -> str | None:
        """See the port."""
        return self._provider.unusable_because(document)

    def _chosen(self, request_id: str, document: ModelDocument, attempt: Attempt | None = None) -> InjectedFault | None:
        fault = self._chaos.choose(document, request_id)
        if fault is not None and attempt is not None:
            attempt.injected = fault.kind.value
        return fault


class CutStream:
    """A stream that breaks off.

    Args:
        stream: of the upstream.
        fault: decides after how many events.
    """

    def __init__(self, stream: Stream, fault: InjectedFault) -> None:
        self._stream = stream
        self._events = fault.events
        self._cut = False
        self.content_type = stream.content_type

    @property
    def ended(self) -> bool:
        """See the port."""
        return self._stream.ended and not self._cut

    @property
    def usage(self) -> Usage | None:
        """See the port."""
        return self._stream.usage

    def output_so_far(self) -> int:
        """See the port."""
        return self._stream.output_so_far()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """See the port."""
        left = self._events
        async for block in self._stream:
            events = block.count(_END)
            if self._stream.ended or events >= left:
                self._cut = True
                whole = min(left, max(events - 1, 0)) if self._stream.ended else left
                piece = b"".join(event + _END for event in block.split(_END)[:whole])
                if piece:
                    yield piece
                raise UpstreamProtocolError(reason=_REASON)
            left -= events or 1
            yield block

    async def aclose(self) -> None:
        """See the port."""
        await self._stream.aclose()


async def _inject(fault: InjectedFault, attempt: Attempt | None) -> None:
    """Carry out a fault that comes before the call of the upstream; others have no effect here."""
    if fault.kind in {InjectionType.DELAY, InjectionType.TIMEOUT}:
        await asyncio.sleep(fault.seconds)
    if fault.kind in {InjectionType.DELAY, InjectionType.CUT_STREAM}:
        return
    if attempt is not None:
        attempt.track()  # nothing was sent, so nothing is charged
    if fault.kind is InjectionType.ERROR:
        raise UpstreamRefusedError(fault.status, _MESSAGE)
    if fault.kind is InjectionType.RATE_LIMIT:
        raise UpstreamRefusedError(_RATE_LIMITED, _MESSAGE, retry_after=fault.seconds)
    if fault.kind is InjectionType.TIMEOUT:
        raise UpstreamTimeoutError(reason=_REASON)
    raise UpstreamUnreachableError(reason=_REASON)
