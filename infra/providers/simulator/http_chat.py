"""Chat completions over HTTP: the engine's answer, at the ordered pace and with the ordered faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from domain.usage import estimate_tokens
from infra.providers.simulator.chat import Completion, complete
from infra.providers.simulator.connection import Connection
from infra.providers.simulator.counters import Counters
from infra.providers.simulator.faults import Faults, read_faults
from infra.providers.simulator.render import DONE, Event, whole
from infra.providers.simulator.script import BROKEN_EVENT, Ending, script, stream_failure

EVENT_STREAM = b"text/event-stream; charset=utf-8"
_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
_BREATHE = 32  # events after which other connections get their turn


async def serve_chat(
    connection: Connection,
    body: Mapping[str, Any],
    defaults: Faults,
    counters: Counters,
    clock: Callable[[], float],
) -> None:
    """Answer one request.

    Raises:
        RefusedError: the answer is an error; nothing has been sent yet.
    """
    start = asyncio.get_running_loop().time()
    faults = read_faults(body.get("simulator"), defaults)
    failure = faults.failure()
    if failure is not None or faults.html:
        await connection.pause(faults.ttft)
        if failure is not None:
            raise failure
        counters.failed += 1
        await connection.answer(faults.status or 502, _PAGE, b"text/html")
        return
    completion = complete(body, faults.tokens)
    counters.open += 1
    try:
        if body.get("stream"):
            options = body.get("stream_options") or {}
            serving = _Stream(connection, completion, faults, counters)
            await serving.run(start, int(clock()), with_usage=options.get("include_usage") is True)
        else:
            await _whole(connection, completion, faults, counters, int(clock()))
    finally:
        counters.open -= 1


async def _whole(
    connection: Connection, completion: Completion, faults: Faults, counters: Counters, created: int
) -> None:
    due = None if faults.stall_after is not None else faults.due(completion.usage.output_tokens)
    if not await connection.pause(due):
        counters.serve(completion.usage)
        counters.aborted += 1
        return
    answer = whole(completion, created, with_usage=not faults.no_usage)
    if faults.cut_after is not None:
        counters.failed += 1
        await connection.start(200, b"application/json", extra=[(b"content-length", b"%d" % len(answer))])
        await connection.write(answer[: len(answer) // 2])
        return  # without an end: the server closes the connection
    if faults.empty or faults.malformed:
        counters.failed += 1
        await connection.answer(200, b"" if faults.empty else answer[: len(answer) // 2], gzip=faults.gzip)
        return
    counters.serve(completion.usage)
    counters.output_tokens += completion.usage.output_tokens
    await connection.answer(200, answer, gzip=faults.gzip)


class _Stream:
    """One streamed answer."""

    def __init__(self, connection: Connection, completion: Completion, faults: Faults, counters: Counters) -> None:
        self._connection = connection
        self._completion = completion
        self._faults = faults
        self._counters = counters
        self._served = False

    async def run(self, start: float, created: int, *, with_usage: bool) -> None:
        connection, faults = self._connection, self._faults
        connection.watch()
        plan = script(self._completion, faults, created, with_usage=with_usage)
        if not await connection.pause(faults.ttft):
            self._abort()
            return
        await connection.start(200, EVENT_STREAM, extra=[(b"cache-control", b"no-cache")], gzip=faults.gzip)
        if faults.empty:
            self._counters.failed += 1
            await connection.finish()
        elif await self._send_events(plan.events, start):
            await self._end(plan.ending)
        else:
            self._abort()

    async def _send_events(self, events: Iterator[Event], start: float) -> bool:
        """``False`` = the client left."""
        connection, faults, counters = self._connection, self._faults, self._counters
        now = asyncio.get_running_loop().time
        sent = 0
        for number, (event, characters) in enumerate(events):
            tokens = estimate_tokens(sent + characters) - estimate_tokens(sent)
            if faults.tps and tokens:
                await connection.pause(start + faults.due(estimate_tokens(sent) + tokens) - now())
            elif number % _BREATHE == 0:
                await asyncio.sleep(0)
            if connection.gone:
                return False
            self._count()
            sent += characters
            counters.output_tokens += tokens
            await connection.write(event)
        return True

    async def _end(self, ending: Ending) -> None:
        connection, counters = self._connection, self._counters
        if ending is Ending.COMPLETE:
            counters.output_tokens += self._completion.usage.reasoning_tokens
            await connection.write(DONE)
            await connection.finish()
            return
        if ending is Ending.STALL:
            await connection.pause(None)
            self._abort()
            return
        if not self._served:
            counters.failed += 1
        if ending is Ending.ERROR:
            await connection.write(b"data: " + stream_failure(self._faults).body() + b"\n\n")
            await connection.finish()
        elif ending is Ending.MALFORMED:
            await connection.write(BROKEN_EVENT)
            await connection.finish()
        # Cut: without an end, the server closes the connection.

    def _count(self) -> None:
        """The call counts as served from its first event on."""
        if not self._served:
            self._served = True
            self._counters.serve(self._completion.usage)

    def _abort(self) -> None:
        self._count()
        self._counters.aborted += 1
