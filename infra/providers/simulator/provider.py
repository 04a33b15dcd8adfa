"""The simulator as a provider of the gateway: no network, the same answers as the server's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from application.ports.providers import Answer, StoredCall
from domain.call import Call
from domain.errors import UpstreamProtocolError, UpstreamRefusedError, UpstreamTimeoutError
from domain.model import ModelDocument
from domain.usage import Usage, estimate_tokens
from infra.providers.simulator.chat import Completion, complete
from infra.providers.simulator.failures import as_gateway_error
from infra.providers.simulator.faults import Faults, read_faults
from infra.providers.simulator.refusal import RefusedError
from infra.providers.simulator.render import DONE, whole
from infra.providers.simulator.request import read_request, upstream_model
from infra.providers.simulator.script import Ending, Script, script, stream_failure

_FAULTLESS = Faults()
_AT_ONCE = 16  # events in one block where nobody asked for a pace


class SimulatorProvider:
    """Answers calls by itself. A document's ``parameters.defaults`` may carry ``simulator`` orders of its own.

    Args:
        clock: seconds since 1970-01-01 UTC, for ``created``.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """Answer as a whole; see the port."""
        completion, faults = await _plan(call, document)
        silence = document.parameters.timeout
        if faults.stall_after is not None:
            await _stall(silence)
        await _pause(faults.due(completion.usage.output_tokens), silence)
        if faults.cut_after is not None or faults.malformed or faults.empty:
            raise UpstreamProtocolError(reason="simulated: no usable answer")
        body = whole(completion, int(self._clock()), with_usage=not faults.no_usage)
        return Answer(body, b"application/json", None if faults.no_usage else completion.usage)

    async def stream(self, call: Call, document: ModelDocument) -> SimulatedStream:
        """Begin to stream; see the port."""
        start = asyncio.get_running_loop().time()
        completion, faults = await _plan(call, document)
        silence = document.parameters.timeout
        await _pause(faults.ttft, silence)
        if faults.empty:
            raise UpstreamProtocolError(reason="simulated: an empty stream")
        plan = script(completion, faults, int(self._clock()), with_usage=call.wants_usage)
        stream = SimulatedStream(plan, faults, completion.usage, silence, start)
        await stream.begin()
        return stream

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:  # noqa: ARG002 - the port's signature
        """Nothing is kept here; see the port."""
        raise UpstreamRefusedError(404, f"Response with id '{call.response_id}' not found.")

    def upstream_model(self, document: ModelDocument) -> str:
        """The model named in the document's parameters, else its code."""
        return upstream_model(document)

    def unusable_because(self, document: ModelDocument) -> str | None:  # noqa: ARG002 - the port's signature
        """Never: the simulator needs nothing."""
        return None


class SimulatedStream:
    """A running simulated stream; see the port.

    Args:
        plan: what to send and how to end.
        faults: the pace, and what an error says.
        usage: what the whole answer uses.
        silence: seconds that the gateway waits for the next event; ``None`` = for ever.
        start: when the call arrived, on the event loop's clock.
    """

    content_type = b"text/event-stream; charset=utf-8"

    def __init__(self, plan: Script, faults: Faults, usage: Usage, silence: float | None, start: float) -> None:
        self._plan = plan
        self._faults = faults
        self._whole_usage = usage
        self._silence = silence
        self._start = start
        self._characters = 0
        self._usage: Usage | None = None
        self._first: bytes | None = None
        self._ended = False
        self._blocks = self._run()

    @property
    def usage(self) -> Usage | None:
        """Known at the end, as upstreams report it."""
        return self._usage

    def output_so_far(self) -> int:
        """Tokens handed out so far, exactly."""
        return estimate_tokens(self._characters)

    @property
    def ended(self) -> bool:
        """Whether the block that was handed out last completes the answer."""
        return self._ended

    async def begin(self) -> None:
        """Make the first block, so that what goes wrong before it is raised before the answer begins."""
        self._first = await anext(self._blocks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Blocks of whole events; the pace is the one that was ordered."""
        return self

    async def __anext__(self) -> bytes:
        """The next block."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._blocks)

    async def aclose(self) -> None:
        """Nothing more will be made."""
        await self._blocks.aclose()

    async def _run(self) -> AsyncGenerator[bytes, None]:
        at_once = 1 if self._faults.tps else _AT_ONCE
        waiting: list[bytes] = []
        for event, characters in self._plan.events:
            if self._faults.tps and characters:
                await self._until(estimate_tokens(self._characters + characters))
            self._characters += characters
            waiting.append(event)
            if len(waiting) == at_once:
                yield b"".join(waiting)
                waiting.clear()
                await asyncio.sleep(0)  # a long answer must not keep other calls waiting
        if self._plan.ending is Ending.COMPLETE:
            waiting.append(DONE)
            self._ended = True
            self._usage = None if self._faults.no_usage else self._whole_usage
        if waiting:
            yield b"".join(waiting)
        if self._plan.ending is Ending.COMPLETE:
            return
        if self._plan.ending is Ending.STALL:
            await _stall(self._silence)
        if self._plan.ending is Ending.ERROR:
            raise as_gateway_error(stream_failure(self._faults))
        raise UpstreamProtocolError(reason=f"simulated: {self._plan.ending.value} stream")

    async def _until(self, tokens: int) -> None:
        due = self._start + self._faults.due(tokens)
        await _pause(due - asyncio.get_running_loop().time(), self._silence)


async def _plan(call: Call, document: ModelDocument) -> tuple[Completion, Faults]:
    try:
        body = read_request(call, document)
        faults = read_faults(body.get("simulator"), _FAULTLESS)
        failure = faults.failure()
        if failure is None and not faults.html:
            return complete(body, faults.tokens), faults
    except RefusedError as refused:
        raise as_gateway_error(refused) from None
    await _pause(faults.ttft, document.parameters.timeout)
    if failure is not None:
        raise as_gateway_error(failure)
    status = faults.status or 502
    said = f"The model's provider answered with status {status} and no explanation."
    raise UpstreamRefusedError(status, said)


async def _pause(seconds: float, silence: float | None) -> None:
    if silence is not None and seconds > silence:
        await _stall(silence)
    if seconds > 0:
        await asyncio.sleep(seconds)


async def _stall(silence: float | None) -> None:
    """Say nothing, for ever or for as long as the gateway waits."""
    if silence is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(silence)
    raise UpstreamTimeoutError(reason="simulated: silence")
