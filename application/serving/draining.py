"""Calls whose upstream goes on although the caller has disconnected, because their document says so."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from application.ports.providers import Answer, Stream
from application.serving.accounting import CallAccount
from application.serving.ledger import CALLER_CONNECTED
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import GatewayError
from domain.model import ModelDocument

T = TypeVar("T", Answer, Stream)
Reach = Callable[[Call, ModelDocument, Attempt], Awaitable[T]]


def may_drain(document: ModelDocument) -> bool:
    """Return whether a call goes on now that its task is cancelled: not where the server is stopping."""
    return bool(document.drain_tokens) and not CALLER_CONNECTED.get()()


async def reach_to_the_end(account: CallAccount, reach: Reach[T], document: ModelDocument, attempt: Attempt) -> T:
    """Call a deployment whose answer is waited for, and charged, although the caller has disconnected.

    An answer that is not streamed has no tokens to count before its end: it is only waited for where all is to be read.

    Raises:
        asyncio.CancelledError: the caller disconnected; the call is settled if there was an answer.
        GatewayError: the call failed.
    """
    work = asyncio.ensure_future(reach(account.call, document, attempt))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if not may_drain(document) or (document.drain_tokens < math.inf and not account.call.stream):
            work.cancel()
            with suppress(asyncio.CancelledError, GatewayError):
                await work
        else:
            await _settle_without_caller(account, work, attempt)
        raise


async def _settle_without_caller(account: CallAccount, work: asyncio.Future[T], attempt: Attempt) -> None:
    attempt.drained = 0
    try:
        answer = await work
    except GatewayError as failure:
        account.attempt_failed(failure)
        return
    account.attempt_succeeded()
    account.answered()
    if isinstance(answer, Answer):
        attempt.drained = 0 if answer.usage is None else answer.usage.output_tokens
        await account.completed(answer.usage, answer.body)
        return
    try:
        await drain_stream(account, answer, aiter(answer), asyncio.CancelledError())
    finally:
        await answer.aclose()


async def drain_stream(
    account: CallAccount,
    stream: Stream,
    iterator: AsyncIterator[bytes],
    cause: BaseException,
    waiting: asyncio.Future[bytes] | None = None,
) -> None:
    """Read the rest of a stream, as much of it as the document says, and settle the call.

    Args:
        account: of the call.
        stream: the upstream's answer.
        iterator: over its blocks.
        cause: what ended the call.
        waiting: the block that is being read.
    """
    attempt = account.attempts[-1]
    with suppress(GatewayError, asyncio.CancelledError):  # broken, or the server is stopping
        latest = await _rest(account, stream, iterator, attempt, waiting)
        if latest is not None:
            await account.completed(stream.usage, latest, stream.output_so_far)
    await account.interrupted(cause, stream.usage, stream.output_so_far)


async def _rest(
    account: CallAccount,
    stream: Stream,
    iterator: AsyncIterator[bytes],
    attempt: Attempt,
    waiting: asyncio.Future[bytes] | None,
) -> bytes | None:
    """Return the last block of a complete answer; None if it was left before its end."""
    before, latest, most = stream.output_so_far(), b"", attempt.document.drain_tokens
    attempt.drained = 0
    while True:
        block = await (anext(iterator, b"") if waiting is None else waiting)
        waiting = None
        attempt.drained = stream.output_so_far() - before
        if not block:
            return latest
        latest = block if account.rewrite is None else account.rewrite(block)
        if attempt.drained >= most and not stream.ended:
            return None
