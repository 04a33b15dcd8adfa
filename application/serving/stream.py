"""An answer piece by piece: relay, and settle before the last piece leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from application.ports.providers import Stream
from application.serving.exchange import Exchange
from application.serving.settle import CALLER_GONE, CALLER_GONE_STATUS, INTERNAL_ERROR, INTERNAL_ERROR_STATUS, Settle
from domain.errors import GatewayError
from domain.usage import Usage, UsageSource

_END = (b"[DONE]\n\n", b"[DONE]\r\n\r\n")


async def relay(
    exchange: Exchange, stream: Stream, settle: Settle, monotonic: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """The stream's blocks as they come; however it ends, the line is recorded once and the upstream is let go.

    Raises:
        UpstreamError: the stream broke. What came before it is counted.
    """
    # What it was if nothing below says otherwise: the iteration was given up because nobody listens any more.
    status = CALLER_GONE_STATUS
    error = CALLER_GONE
    try:
        async for block in stream:
            if exchange.first_byte is None:
                exchange.first_byte = monotonic()
            if block.endswith(_END):
                _finish(exchange, stream, settle)
            yield block
        _finish(exchange, stream, settle)
    except GatewayError as failure:
        status, error = settle.status_of(failure), failure.label
        raise
    except Exception:
        status, error = INTERNAL_ERROR_STATUS, INTERNAL_ERROR
        raise
    finally:
        if exchange.line is None:
            usage = stream.usage or _estimate(exchange, stream)
            settle(exchange, status=status, usage=usage, source=UsageSource.PARTIAL, error=error)
        await stream.aclose()


def _finish(exchange: Exchange, stream: Stream, settle: Settle) -> None:
    if exchange.line is not None:
        return
    if stream.usage is not None:
        settle(exchange, status=200, usage=stream.usage)
    else:
        settle(exchange, status=200, usage=_estimate(exchange, stream), source=UsageSource.ESTIMATED)


def _estimate(exchange: Exchange, stream: Stream) -> Usage:
    return Usage(input_tokens=exchange.use_case.estimate_input(exchange.call), output_tokens=stream.output_so_far())
