"""Streams of background responses that a caller resumes: relayed, and charged once they are complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable

from application.ports.providers import Stream
from application.serving.use_case import ErrorDetail, UseCase
from domain.usage import Usage


class ResumedStream:
    """A resumed stream for the caller.

    Nothing of it is charged before it is complete: the response goes on without the caller, who may resume it again.

    Args:
        use_case: of the endpoint, for the event that ends a broken stream.
        stream: the upstream's answer.
        rewrite: turns a block into what the caller must see.
        completed: charges the usage, given the last block.
    """

    def __init__(
        self,
        use_case: UseCase,
        stream: Stream,
        rewrite: Callable[[bytes], bytes],
        completed: Callable[[bytes, Usage | None], Awaitable[None]],
    ) -> None:
        self.content_type = stream.content_type
        self.blocks = self._relay()
        """The blocks to send; this iterator must be closed."""
        self._use_case = use_case
        self._stream = stream
        self._rewrite = rewrite
        self._completed = completed
        self._opening = self._latest = b""

    def failure(self, error: ErrorDetail) -> bytes | None:
        """Return the event that reports an error at the end of the stream."""
        return self._use_case.failure(self._opening, self._latest, error)

    async def _relay(self) -> AsyncGenerator[bytes, None]:
        stream, charged = self._stream, False
        try:
            async for block in stream:
                if stream.ended and not charged:
                    charged = True
                    await self._completed(block, stream.usage)
                self._latest = self._rewrite(block)
                self._opening = self._opening or self._latest
                yield self._latest
        finally:
            await stream.aclose()
