"""Trying deployments one after the other until one takes the call; a call that none takes is settled here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from application.serving.exchange import Exchange
from application.serving.meter import cut_short, measure
from application.serving.settle import (
    CALLER_GONE,
    CALLER_GONE_STATUS,
    INTERNAL_ERROR,
    INTERNAL_ERROR_STATUS,
    NOTHING,
    Settle,
)
from domain.call import Call
from domain.errors import DeploymentUnusableError, GatewayError, UpstreamError, UpstreamTimeoutError
from domain.model import ModelDocument
from domain.usage import UsageSource

T = TypeVar("T")

Reach = Callable[[Call, ModelDocument], Awaitable[T]]
"""One of a provider's two ways to be called: whole answer or stream."""


async def attempt(exchange: Exchange, candidates: Sequence[ModelDocument], reach: Reach[T], settle: Settle) -> T:
    """The first success among the candidates.

    Raises:
        GatewayError: what went wrong with the last one tried. The ledger has its line.
        asyncio.CancelledError: the caller is gone. The ledger has its line.
    """
    try:
        return await _first_success(exchange, candidates, reach)
    except UpstreamTimeoutError as error:
        await _settle_unheard(exchange, settle, settle.status_of(error), error.label)
        raise
    except GatewayError as error:
        settle.failed(exchange, error)
        raise
    except asyncio.CancelledError:
        await _settle_unheard(exchange, settle, CALLER_GONE_STATUS, CALLER_GONE)
        raise
    except Exception:
        settle(exchange, status=INTERNAL_ERROR_STATUS, error=INTERNAL_ERROR)
        raise


async def _settle_unheard(exchange: Exchange, settle: Settle, status: int, error: str) -> None:
    """Nobody heard the end of it: the upstream has read the prompt, and may charge for it. Count what is certain."""
    try:
        if exchange.attempts and exchange.use_case.measure is not None:
            await measure(exchange, None)
    finally:
        usage = cut_short(exchange) if exchange.attempts else NOTHING
        settle(exchange, status=status, usage=usage, source=UsageSource.PARTIAL, error=error)


async def _first_success(exchange: Exchange, candidates: Sequence[ModelDocument], reach: Reach[T]) -> T:
    """Try the next one where the failure is the deployment's own and it cannot have done the work.

    That excludes a time-out: the answer may have been made, and charged, all the same.
    """
    failure: GatewayError | None = None
    for document in candidates:
        exchange.document = document
        exchange.attempts += 1
        try:
            return await reach(exchange.call, document)
        except DeploymentUnusableError as error:
            exchange.attempts -= 1  # nothing was called
            failure = failure or error
        except UpstreamError as error:
            failure = error
            if not error.retryable or isinstance(error, UpstreamTimeoutError):
                break
    if failure is None:
        raise AssertionError("a call was admitted without a deployment")
    raise failure
