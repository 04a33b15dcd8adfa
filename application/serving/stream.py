"""Streamed answers: relay the blocks, and settle before the last one is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from application.ports.providers import Stream
from application.serving.accounting import CallAccount
from application.serving.use_case import ErrorDetail

EVENT_STREAM = b"text/event-stream"


class Relay:
    """A stream for the caller.

    Args:
        account: of the call.
        stream: the upstream's answer.
    """

    def __init__(self, account: CallAccount, stream: Stream) -> None:
        self._account = account
        self._stream = stream
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
        attempt = account.attempts[-1]
        rewrite = account.rewrite
        try:
            async for block in stream:
                if rewrite is not None:
                    block = rewrite(block)  # noqa: PLW2901 - the upstream's block is not needed any more
                if account.first_byte is None:
                    account.answered()
                    self._opening = block
                self._latest = block
                attempt.delivered += len(block)
                if stream.ended:
                    await account.completed(stream.usage, block, stream.output_so_far)
                yield block
            await account.completed(stream.usage, self._latest, stream.output_so_far)
        except BaseException as cause:
            await account.interrupted(cause, stream.usage, stream.output_so_far)
            raise
        finally:
            await stream.aclose()
