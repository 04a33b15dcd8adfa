"""A stream in process: a plan's pieces, at the ordered pace and with the ordered faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from domain.errors import UpstreamProtocolError
from domain.usage import Usage, estimate_tokens
from infra.providers.simulator.failures import as_gateway_error
from infra.providers.simulator.faults import Faults
from infra.providers.simulator.reply import Pieces, Reply
from infra.providers.simulator.stream_plan import Ending, script, stream_failure
from infra.providers.simulator.waiting import pause, stall

_AT_ONCE = 16  # events in one block where nobody asked for a pace


class SimulatedStream:
    """A running simulated stream; see the port.

    Args:
        plan: what is used.
        pieces: what to send.
        faults: the pace, how to end, and what an error says.
        silence: seconds that the gateway waits for the next event; ``None`` = for ever.
        start: when the call arrived, on the event loop's clock.
    """

    def __init__(self, plan: Reply, pieces: Pieces, faults: Faults, silence: float | None, start: float) -> None:
        self.content_type = pieces.content_type
        self._plan = plan
        self._pieces = pieces
        self._script = script(pieces.events, faults)
        self._faults = faults
        self._silence = silence
        self._start = start
        self._sent = 0
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
        return estimate_tokens(self._characters) if self._pieces.counted else 0

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
        at_once = 1 if self._faults.tps or self._pieces.failure is None else _AT_ONCE
        waiting: list[bytes] = []
        for sent, (event, characters) in enumerate(self._script.events, 1):
            if self._faults.tps and characters:
                await self._until(estimate_tokens(self._characters + characters))
            self._characters += characters
            waiting.append(event)
            self._sent = sent
            if len(waiting) == at_once:
                yield b"".join(waiting)
                waiting.clear()
                await asyncio.sleep(0)  # a long answer must not keep other calls waiting
        ending = self._script.ending
        if ending is Ending.COMPLETE:
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
            await stall(self._silence)
        if ending is Ending.ERROR:
            raise as_gateway_error(failure)
        raise UpstreamProtocolError(reason=f"simulated: {ending.value} stream")

    async def _until(self, tokens: int) -> None:
        due = self._start + self._faults.due(tokens)
        await pause(due - asyncio.get_running_loop().time(), self._silence)
