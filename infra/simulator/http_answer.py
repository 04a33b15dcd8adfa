"""Sends the answer of an operation over HTTP, at the requested pace and with the requested faults."""

from __future__ import annotations

import asyncio

from domain.estimates import estimate_tokens
from domain.usage import Usage
from infra.simulator.connection import ClientConnection
from infra.simulator.counters import Counters
from infra.simulator.faults import Faults
from infra.simulator.reply import (
    BROKEN_ANSWER,
    BROKEN_EVENT,
    JSON,
    Ending,
    Pieces,
    Reply,
    StreamPlan,
    Whole,
    plan_stream,
    stream_failure,
)

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
_EVENTS_PER_TURN = 32  # then other connections get theirs


async def refuse(connection: ClientConnection, faults: Faults, counters: Counters) -> bool:
    """Answer with the requested error, if any.

    Returns:
        False if none is requested and nothing was sent.

    Raises:
        SimulatedError: the requested error; nothing has been sent yet.
    """
    failure = faults.failure()
    if failure is None and not faults.html:
        return False
    await connection.pause(faults.ttft)
    if failure is not None:
        raise failure
    counters.failed += 1
    await connection.answer(faults.status or 502, _PAGE, b"text/html")
    return True


async def respond(
    connection: ClientConnection, operation: str, plan: Reply, faults: Faults, counters: Counters, start: float
) -> None:
    """Send an answer and count it.

    Args:
        connection: to the client.
        operation: to count the call under.
        plan: the answer.
        faults: to inject.
        counters: of the server.
        start: when the call arrived, on the event loop's clock.
    """
    counters.open += 1
    try:
        if isinstance(plan.answer, Pieces):
            await _Stream(connection, operation, plan, plan.answer, faults, counters).run(start)
        else:
            await _whole(connection, operation, plan, plan.answer, faults, counters)
    finally:
        counters.open -= 1


async def _whole(
    connection: ClientConnection, operation: str, plan: Reply, answer: Whole, faults: Faults, counters: Counters
) -> None:
    due = None if faults.stall_after is not None else faults.due(plan.usage.output_tokens)
    if not await connection.pause(due):
        counters.begin(operation, plan.begun)
        counters.aborted += 1
        return
    body, kind = answer.body(), answer.content_type
    if faults.cut_after is not None:
        counters.failed += 1
        await connection.start(200, kind, extra=[(b"content-length", b"%d" % len(body))])
        await connection.write(body[: len(body) // 2])
        return  # incomplete: the server closes the connection
    if faults.empty or faults.malformed:
        counters.failed += 1
        if kind != JSON:
            body = BROKEN_ANSWER  # half a text would be a valid text
        await connection.answer(200, b"" if faults.empty else body[: len(body) // 2], JSON, gzip=faults.gzip)
        return
    counters.begin(operation, plan.usage)
    plan.completed()
    await connection.answer(200, body, kind, gzip=faults.gzip)


class _Stream:
    """One streamed answer."""

    def __init__(
        self,
        connection: ClientConnection,
        operation: str,
        plan: Reply,
        pieces: Pieces,
        faults: Faults,
        counters: Counters,
    ) -> None:
        self._connection = connection
        self._operation = operation
        self._plan = plan
        self._pieces = pieces
        self._faults = faults
        self._counters = counters
        self._served = False
        self._sent = 0
        self._delivered = 0

    async def run(self, start: float) -> None:
        connection, faults = self._connection, self._faults
        connection.watch()
        planned = plan_stream(self._pieces.events, faults)
        if not await connection.pause(faults.ttft):
            self._abort()
            return
        kind = self._pieces.content_type
        await connection.start(200, kind, extra=[(b"cache-control", b"no-cache")], gzip=faults.gzip)
        if faults.empty:
            self._counters.failed += 1
            await connection.finish()
        elif await self._send_events(planned, start):
            await self._end(planned.ending)
        else:
            self._abort()

    async def _send_events(self, planned: StreamPlan, start: float) -> bool:
        """Send the events; False if the client disconnects."""
        connection, faults, counters = self._connection, self._faults, self._counters
        now = asyncio.get_running_loop().time
        written = 0
        for number, (event, characters) in enumerate(planned.events):
            written += characters
            total = estimate_tokens(written)
            if faults.tps and characters:
                await connection.pause(start + faults.due(total) - now())
            elif number % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)
            if connection.disconnected:
                return False
            self._count()
            self._sent += 1
            if self._pieces.counted:
                counters.output_tokens += total - self._delivered
                self._delivered = total
            await connection.write(event)
        return True

    async def _end(self, ending: Ending) -> None:
        connection, counters = self._connection, self._counters
        if ending is Ending.COMPLETE:
            self._count()
            counters.add(self._plan.begun, -1)
            counters.add(self._plan.usage.plus(Usage(output_tokens=-self._delivered)))
            self._plan.completed()
            if self._pieces.closing:
                await connection.write(self._pieces.closing)
            await connection.finish()
            return
        if ending is Ending.STALL:
            await connection.pause(None)
            self._abort()
            return
        if not self._served:
            counters.failed += 1
        if self._pieces.failure is None:
            return  # the format has no error event: the stream is cut
        if ending is Ending.ERROR:
            await connection.write(self._pieces.failure(stream_failure(self._faults), self._sent))
            await connection.finish()
        elif ending is Ending.MALFORMED:
            await connection.write(BROKEN_EVENT)
            await connection.finish()
        # Cut: incomplete, the server closes the connection.

    def _count(self) -> None:
        """Count the call as served, from its first event on."""
        if not self._served:
            self._served = True
            self._counters.begin(self._operation, self._plan.begun)

    def _abort(self) -> None:
        self._count()
        self._counters.aborted += 1
