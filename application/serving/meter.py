"""From what an upstream reported, or did not, to the quantities of the ledger line."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from application.serving.exchange import Exchange
from domain.usage import Usage, UsageSource, heard_tokens


async def measure(exchange: Exchange, reported: Usage | None) -> None:
    """Take the length of uploaded audio where the upstream did not say it. In a thread.

    Only asked for use cases that measure. A caller who leaves meanwhile has the length taken all the same, so that the
    call can be settled; should even that be stopped, its size has told the length.

    Raises:
        asyncio.CancelledError: the caller left.
    """
    use_case, call = exchange.use_case, exchange.call
    if exchange.measured is not None or (reported is not None and reported.audio_milliseconds):
        return
    if use_case.measure is None or use_case.judge is None:
        return
    exchange.measured = use_case.judge(call)
    work = asyncio.ensure_future(asyncio.to_thread(use_case.measure, call))
    try:
        exchange.measured = await asyncio.shield(work)
    except asyncio.CancelledError:
        exchange.measured = await asyncio.shield(work)
        raise


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
    source = UsageSource.MEASURED if _exact(exchange, reported) else UsageSource.ESTIMATED
    if reported is not None:
        usage = reported
    elif not _tokens_matter(exchange):
        usage = Usage()
    else:
        use_case, call = exchange.use_case, exchange.call
        usage = use_case.sent(call).plus(use_case.received(call, body)).plus(_heard(exchange))
        if delivered:
            usage = usage.plus(Usage(output_tokens=delivered))
        source = UsageSource.ESTIMATED
    return _refined(exchange, usage, heard=reported is not None), source


def cut_short(exchange: Exchange, reported: Usage | None = None, delivered: int = 0) -> Usage:
    """What is certain of a call that nobody heard the end of: the upstream has read it, and may charge for that.

    Speech and images are made all the same, and count in full.

    Args:
        exchange: the call; :func:`measure` was asked before.
        reported: by the upstream so far.
        delivered: tokens that came through, by rule of thumb.
    """
    if reported is not None:
        usage = reported
    elif exchange.call.background:
        return Usage()
    elif not _tokens_matter(exchange):
        usage = Usage()
    else:
        usage = exchange.use_case.sent(exchange.call).plus(_heard(exchange))
        if delivered:
            usage = usage.plus(Usage(output_tokens=delivered))
    return _refined(exchange, usage, heard=False)


def _refined(exchange: Exchange, usage: Usage, *, heard: bool) -> Usage:
    measured = exchange.measured
    if measured is not None and not usage.audio_milliseconds:
        usage = replace(usage, audio_milliseconds=measured.milliseconds)
    refine = exchange.use_case.refine
    return usage if refine is None else refine(exchange.call, usage, heard)


def _heard(exchange: Exchange) -> Usage:
    """Uploaded audio in tokens, by rule of thumb."""
    if exchange.measured is None:
        return Usage()
    tokens = heard_tokens(exchange.measured.milliseconds)
    return Usage(input_tokens=tokens, audio_input_tokens=tokens)


def _exact(exchange: Exchange, reported: Usage | None) -> bool:
    """Whether what is charged, as far as it is audio, was measured: by its tokens, or by its length."""
    if exchange.measured is None or exchange.measured.exact:
        return True
    return reported is not None and not _charged_by_unit(exchange)


def _charged_by_unit(exchange: Exchange) -> bool:
    """Whether the document names the price of the unit that such calls are about."""
    unit, document = exchange.use_case.unit, exchange.document
    return unit is not None and document is not None and getattr(document.prices, unit) is not None


def _tokens_matter(exchange: Exchange) -> bool:
    """Whether tokens that the upstream did not report are worth a guess.

    Not where the unit is charged; nor where nothing is priced: then it is the unit that must be named as unpriced.
    """
    unit, document = exchange.use_case.unit, exchange.document
    if unit is None or document is None:
        return True
    return getattr(document.prices, unit) is None and bool(document.prices.per_token)
