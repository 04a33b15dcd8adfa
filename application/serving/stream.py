"""An answer piece by piece: relay, and settle before the last piece leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from application.ports.providers import Stream
from application.serving.exchange import Exchange
from application.serving.meter import complete, counted, cut_short, measure
from application.serving.settle import CALLER_GONE, CALLER_GONE_STATUS, INTERNAL_ERROR, INTERNAL_ERROR_STATUS, Settle
from application.serving.use_case import ErrorDetail
from domain.errors import GatewayError
from domain.usage import UsageSource

EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True, slots=True)
class Relay:
    """A stream for the caller.

    Args:
        content_type: of it.
        blocks: what to send; the iterator must be closed.
        exchange: the call.
    """

    content_type: bytes
    blocks: AsyncGenerator[bytes, None]
    exchange: Exchange

    def failure(self, error: ErrorDetail) -> bytes | None:
        """The event that tells the caller that the stream ends with an error.

        ``None`` = it is no stream of events: nothing can be said in it, the connection has to be cut.
        """
        if not self.content_type.startswith(EVENT_STREAM):
            return None
        exchange = self.exchange
        return exchange.use_case.failure(exchange.opening, exchange.latest, error)


async def relay(
    exchange: Exchange,
    stream: Stream,
    settle: Settle,
    monotonic: Callable[[], float],
    rewrite: Callable[[bytes], bytes] | None = None,
) -> AsyncGenerator[bytes, None]:
    """The stream's blocks as they come; however it ends, the line is recorded once and the upstream is let go.

    Args:
        exchange: the call.
        stream: the upstream's answer.
        settle: writes the ledger line.
        monotonic: seconds on a clock that never goes back.
        rewrite: what becomes of each block on its way.

    Raises:
        UpstreamError: the stream broke. What came before it is counted.
    """
    # What it was if nothing below says otherwise: the iteration was given up because nobody listens any more.
    status = CALLER_GONE_STATUS
    error = CALLER_GONE
    try:
        async for block in stream:
            if rewrite is not None:
                block = rewrite(block)  # noqa: PLW2901 - the upstream's block is of no more use
            if exchange.first_byte is None:
                exchange.first_byte = monotonic()
                exchange.opening = block
            exchange.latest = block
            if stream.ended:
                await _finish(exchange, stream, settle)
            yield block
        await _finish(exchange, stream, settle)
    except GatewayError as failure:
        status, error = settle.status_of(failure), failure.label
        raise
    except Exception:
        status, error = INTERNAL_ERROR_STATUS, INTERNAL_ERROR
        raise
    finally:
        try:
            if exchange.line is None and exchange.use_case.measure is not None:
                await measure(exchange, stream.usage)
        finally:
            if exchange.line is None:
                if not counted(stream.usage):
                    exchange.line_id = None  # what is made in the background is counted once it is fetched
                usage = cut_short(exchange, stream.usage, stream.output_so_far())
                settle(exchange, status=status, usage=usage, source=UsageSource.PARTIAL, error=error)
            await stream.aclose()


async def _finish(exchange: Exchange, stream: Stream, settle: Settle) -> None:
    if exchange.line is not None:
        return
    if exchange.use_case.measure is not None:
        await measure(exchange, stream.usage)
    reported = stream.usage
    delivered = 0 if reported is not None and reported.output_tokens else stream.output_so_far()
    usage, source = complete(exchange, reported, delivered=delivered)
    settle(exchange, status=200, usage=usage, source=source)
