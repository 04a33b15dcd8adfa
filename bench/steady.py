"""Callers who ask at a steady rate, whatever the answers do, and note when each was due and how long it took."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

import httptools

ANSWER_SECONDS = 30.0


@dataclass(slots=True)
class Seen:
    """Results of one run, as its callers saw them.

    Args:
        answered: ids of requests whose whole answer came.
        failed: what went wrong with the others.
        calls: when each call was due (``time.time()``) and how long after that its answer was complete, seconds. An
            answer that is late delays the caller's next question, and that wait counts.
    """

    answered: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    calls: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rate:
    """Load: each caller has a connection of its own.

    Args:
        callers: how many.
        per_second: calls of each caller.
        stream: whether a caller asks for streams, by its number.
        model: the public name.
    """

    callers: int
    per_second: float
    stream: Callable[[int], bool]
    model: str


class _Connection(asyncio.Protocol):
    """One connection that is kept open; one question at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._body))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("closed before the answer was complete"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send and wait for the whole answer."""
        assert self._transport is not None  # noqa: S101 - only called on a connection
        self._body, self._answer = b"", asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def ask_steadily(port: int, key: str, rate: Rate, seen: Seen, stop: asyncio.Event, name: str = "call") -> None:
    """Ask until told to stop, then wait for the answers that are still to come.

    Args:
        port: where the gateway listens.
        key: what callers present.
        rate: how much.
        seen: is added to.
        stop: no new questions once it is set.
        name: ids of requests begin with it.
    """
    start = time.time() + 0.1

    async def one(number: int) -> None:
        connection = await _connected(port)
        due = start + number / (rate.callers * rate.per_second)
        for turn in itertools.count():
            await asyncio.sleep(max(0.0, due - time.time()))
            if stop.is_set():
                break
            request_id = f"{name}-{number}-{turn}"
            fault = await _ask(connection, _request(key, rate, number, request_id), stream=rate.stream(number))
            if fault:
                seen.failed.append(f"{request_id}: {fault}")
                connection.close()
                connection = await _connected(port)
            else:
                seen.answered.append(request_id)
                seen.calls.append((due, time.time() - due))
            due += 1 / rate.per_second
        connection.close()

    await asyncio.gather(*(one(number) for number in range(rate.callers)))


def quantile(values: Iterable[float], share: float) -> float:
    """Return the quantile of the values at this share."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


async def _connected(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return connection


async def _ask(connection: _Connection, request: bytes, *, stream: bool) -> str:
    """Empty, or what was wrong with the answer."""
    try:
        status, body = await connection.ask(request)
    except (OSError, TimeoutError) as error:
        return f"{type(error).__name__} {error}"
    end = b"data: [DONE]\n\n" if stream else b"}"
    if status == 200 and body.endswith(end) and b'"error"' not in body:
        return ""
    return f"status {status}: {body[-200:]!r}"


def _request(key: str, rate: Rate, number: int, request_id: str) -> bytes:
    messages = [{"role": "user", "content": "Say something."}]
    fields = {"model": rate.model, "messages": messages, "stream": rate.stream(number), "simulator": {"tokens": 5}}
    body = json.dumps(fields).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\nx-request-id: {request_id}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
