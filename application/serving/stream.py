"""Streamed answers: relay the blocks, and settle before the last one is sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress

from application.ports.providers import Stream
from application.serving.accounting import CallAccount
from application.serving.draining import drain_stream, may_drain
from application.serving.meter import counted
from application.serving.use_case import ErrorDetail
from domain.errors import GatewayError

EVENT_STREAM = b"text/event-stream"

READ_ON = 2.0
"""Seconds for which the usage is waited for after the end of the text, if the caller has disconnected."""

_STOPPED = re.compile(rb'"finish_reason"\s*:\s*"').search
"""Finds the event after which only the usage can follow."""


class Relay:
    """A stream for the caller.

    Args:
        account: of the call.
        stream: the upstream's answer.
        ended: called once the call is settled.
    """

    def __init__(self, account: CallAccount, stream: Stream, ended: Callable[[CallAccount], None]) -> None:
        self._account = account
        self._stream = stream
        self._ended = ended
        self._opening = self._latest = b""
        self.content_type = stream.content_type
        self.blocks = self._relay()
        """The blocks to send; this iterator must be closed.

        However it ends, the call is settled and the upstream's connection is given back. It raises ``UpstreamError``
        where the stream broke.
        """

    def failure(self, error: ErrorDetail) -> bytes | None:
        """Return the event that tells the caller that the stream ends with an error.

        None if it is not a stream of events: then the connection has to be cut.
        """
        if not self.content_type.startswith(EVENT_STREAM):
            return None
        return self._account.use_case.failure(self._opening, self._latest, error)

    async def _relay(self) -> AsyncGenerator[bytes, None]:
        account, stream = self._account, self._stream
        iterator = aiter(stream)
        shielded = bool(account.attempts[-1].document.drain_tokens)
        waiting: asyncio.Future[bytes] | None = None
        try:
            if not shielded:
                async for raw in iterator:
                    block = self._note(raw)
                    if stream.ended:
                        await account.completed(stream.usage, block, stream.output_so_far)
                    yield block
                    if not stream.ended and _STOPPED(block) is not None:
                        shielded = True  # what follows is the usage, which is worth more than the connection
                        break
            while shielded:  # reading is not cancelled with the task
                waiting = asyncio.ensure_future(anext(iterator, b""))
                raw = await asyncio.shield(waiting)
                if not raw:
                    break
                block = self._note(raw)
                if stream.ended:
                    await account.completed(stream.usage, block, stream.output_so_far)
                yield block
            await account.completed(stream.usage, self._latest, stream.output_so_far)
        except BaseException as cause:
            if shielded and not isinstance(cause, Exception):
                await self._read_on(iterator, cause, waiting)
            await account.interrupted(cause, stream.usage, stream.output_so_far)
            raise
        finally:
            self._ended(account)
            await stream.aclose()

    def _note(self, block: bytes) -> bytes:
        """Return a block as the caller sees it."""
        account = self._account
        if account.rewrite is not None:
            block = account.rewrite(block)
        if account.first_byte is None:
            account.answered()
            self._opening = block
        self._latest = block
        account.attempts[-1].delivered += len(block)
        return block

    async def _read_on(
        self, iterator: AsyncIterator[bytes], cause: BaseException, waiting: asyncio.Future[bytes] | None
    ) -> None:
        """Read the usage that follows the end of the text, or all that is to be drained, without the caller."""
        if may_drain(self._account.attempts[-1].document):
            await drain_stream(self._account, self._stream, iterator, cause, waiting)
            return
        with suppress(GatewayError, TimeoutError, StopAsyncIteration, asyncio.CancelledError):
            async with asyncio.timeout(READ_ON):
                if waiting is not None:
                    await waiting
                while not counted(self._stream.usage):
                    await anext(iterator)
