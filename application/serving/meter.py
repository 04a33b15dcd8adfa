"""From what an upstream reported, or did not, to the quantities of the ledger line."""

from __future__ import annotations

import asyncio

from application.serving.exchange import Exchange
from domain.usage import Usage, UsageSource


async def measure(exchange: Exchange, reported: Usage | None) -> None:
    """Take the measure of uploaded audio where the upstream did not and it may be charged by it. Waits in a thread."""
    slow = exchange.use_case.measure
    if slow is None or exchange.measured is not None or (reported is not None and not _charged_by_unit(exchange)):
        return
    if reported is None or not reported.audio_milliseconds:
        exchange.measured = await asyncio.to_thread(slow, exchange.call)


def complete(
    exchange: Exchange, reported: Usage | None, body: bytes = b"", delivered: int = 0
) -> tuple[Usage, UsageSource]:
    """The quantities of a call that was answered to its end, and how they came about.

    Args:
        exchange: the call; :func:`measure` was asked before.
        reported: by the upstream.
        body: the answer where it came as a whole.
        delivered: tokens of an answer that was streamed, by rule of thumb.
    """
    use_case, call = exchange.use_case, exchange.call
    source = UsageSource.MEASURED
    if reported is None:
        reported = use_case.sent(call).plus(use_case.received(call, body))
        if delivered:
            reported = reported.plus(Usage(output_tokens=delivered))
        if not _charged_by_unit(exchange):
            source = UsageSource.ESTIMATED
    return _refined(exchange, reported), source


def cut_short(exchange: Exchange, reported: Usage | None = None, delivered: int = 0) -> Usage:
    """What is certain of a call that nobody heard the end of: the upstream has read it, and may charge for that."""
    use_case, call = exchange.use_case, exchange.call
    if call.background and reported is None:
        return Usage()
    if use_case.measure is not None and exchange.measured is None:
        exchange.measured = use_case.measure(call)  # nobody can wait here any more
    if reported is None:
        reported = use_case.sent(call)
        if delivered:
            reported = reported.plus(Usage(output_tokens=delivered))
    return _refined(exchange, reported)


def _refined(exchange: Exchange, usage: Usage) -> Usage:
    if exchange.measured is not None and not usage.audio_milliseconds:
        usage = usage.plus(exchange.measured)
    refine = exchange.use_case.refine
    return usage if refine is None else refine(exchange.call, usage)


def _charged_by_unit(exchange: Exchange) -> bool:
    """Whether the document names the price of the unit that such calls are about."""
    unit, document = exchange.use_case.unit, exchange.document
    return unit is not None and document is not None and getattr(document.prices, unit) is not None
