"""From what an upstream reported, or did not, to the quantities of the ledger line."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from application.serving.exchange import Exchange
from application.serving.use_case import nothing
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
    if use_case.measure is None or use_case.estimate_duration is None:
        return
    exchange.measured = use_case.estimate_duration(call)
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
    usage = reported or Usage()
    if _tokens_matter(exchange):
        usage = _filled_in(exchange, usage, body, delivered)
        if usage != reported:
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
    if exchange.call.background and not counted(reported):
        return Usage()
    usage = reported or Usage()
    if _tokens_matter(exchange):
        usage = _filled_in(exchange, usage, None, delivered)
    return _refined(exchange, usage, heard=False)


def counted(reported: Usage | None) -> bool:
    """Whether an upstream counted tokens: zeros on both sides of a call are no count of anything."""
    return reported is not None and bool(reported.input_tokens or reported.output_tokens)


def _filled_in(exchange: Exchange, usage: Usage, body: bytes | None, delivered: int) -> Usage:
    """The usage with an estimate of that side of the call, or of both, of which the upstream counted no token."""
    use_case, call = exchange.use_case, exchange.call
    sent, received = bool(usage.input_tokens), bool(usage.output_tokens)
    if not received and delivered:
        usage = usage.plus(Usage(output_tokens=delivered))
    if not received and body is not None and use_case.estimate_output is not nothing:
        usage = usage.plus(use_case.estimate_output(call, body))
    if not sent:
        guess = use_case.estimate_input(call).plus(_heard(exchange, usage))
        usage = usage.plus(replace(guess, output_tokens=0, audio_output_tokens=0) if received else guess)
    return usage


def _refined(exchange: Exchange, usage: Usage, *, heard: bool) -> Usage:
    measured = exchange.measured
    if measured is not None and not usage.audio_milliseconds:
        usage = replace(usage, audio_milliseconds=measured.milliseconds)
    refine = exchange.use_case.adjust_usage
    return usage if refine is None else refine(exchange.call, usage, heard)


def _heard(exchange: Exchange, reported: Usage) -> Usage:
    """Uploaded audio in tokens, by rule of thumb."""
    measured = 0 if exchange.measured is None else exchange.measured.milliseconds
    tokens = heard_tokens(reported.audio_milliseconds or measured)
    return Usage(input_tokens=tokens, audio_input_tokens=tokens)


def _exact(exchange: Exchange, reported: Usage | None) -> bool:
    """Whether what is charged, as far as it is audio, was measured: by its tokens, or by its length."""
    if exchange.measured is None or exchange.measured.exact:
        return True
    return counted(reported) and not _charged_by_unit(exchange)


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
