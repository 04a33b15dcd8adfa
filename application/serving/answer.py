"""A whole answer: count it, settle, hand it over."""

from __future__ import annotations

from application.ports.providers import Answer
from application.serving.exchange import Exchange
from application.serving.meter import complete, counted, measure
from application.serving.settle import Settle
from domain.usage import UsageSource


async def finish(exchange: Exchange, answer: Answer, settle: Settle) -> None:
    """Record the line of a call that was answered as a whole."""
    if exchange.call.background and not counted(answer.usage):
        exchange.line_id = None  # a promise: its result has a line of its own once it is fetched
        settle(exchange, status=200, source=UsageSource.PARTIAL)
        return
    try:
        if exchange.use_case.measure is not None:
            await measure(exchange, answer.usage)
    finally:
        usage, source = complete(exchange, answer.usage, answer.body)
        settle(exchange, status=200, usage=usage, source=source)
