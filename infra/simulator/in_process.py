"""Answers in process: streams, waits, and errors, as a provider of the proxy reports them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from domain.errors import (
    DeploymentUnusableError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from domain.estimates import estimate_tokens
from domain.usage import Usage
from infra.simulator.errors import SimulatedError
from infra.simulator.faults import Faults
from infra.simulator.reply import Ending, Pieces, Reply, plan_stream, stream_failure

_CREDENTIAL = frozenset({401, 402, 403})
_UNKNOWN_MODEL = 404
_EVENTS_PER_BLOCK = 16  # without a pace


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
                await pause(due - asyncio.get_running_loop().time(), self._timeout)
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
            await stall(self._timeout)
        if ending is Ending.ERROR:
            raise as_gateway_error(failure)
        raise UpstreamProtocolError(reason=f"simulated: {ending.value} stream")


async def pause(seconds: float, longest: float | None) -> None:
    """Wait, at most as long as the proxy does.

    Raises:
        UpstreamTimeoutError: the proxy's limit is over.
    """
    if longest is not None and seconds > longest:
        await stall(longest)
    if seconds > 0:
        await asyncio.sleep(seconds)


async def stall(longest: float | None) -> None:
    """Send nothing until the proxy times out."""
    if longest is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(longest)
    raise UpstreamTimeoutError(reason="simulated: silence")


def as_gateway_error(refused: SimulatedError) -> GatewayError:
    """Translate an error answer as an adapter on the wire does: credentials and unknown models concern the operator."""
    reason = f"simulated: status {refused.status}"
    if refused.status in _CREDENTIAL:
        return UpstreamCredentialError(reason=reason)
    return DeploymentUnusableError(reason) if refused.status == _UNKNOWN_MODEL else refusal_of(refused)


def refusal_of(refused: SimulatedError) -> UpstreamRefusedError:
    """Return an error answer as the proxy relays it."""
    return UpstreamRefusedError(
        refused.status,
        refused.message,
        kind=refused.kind,
        param=refused.param,
        code=refused.code,
        retry_after=refused.retry_after,
    )
