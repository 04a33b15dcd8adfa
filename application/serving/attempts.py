"""Calling deployments one after the other until one takes the call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from application.serving.accounting import CallAccount
from application.serving.deployment_states import DeploymentStates
from application.serving.draining import Reach, T, reach_to_the_end
from application.serving.limiter import Limiter
from application.serving.limits.refusals import all_at_their_limits
from domain.errors import (
    DeploymentUnusableError,
    GatewayError,
    UpstreamError,
    UpstreamTimeoutError,
)
from domain.model import ModelDocument
from domain.rate_limit import NO_LIMITS


async def first_success(
    account: CallAccount,
    reach: Reach[T],
    states: DeploymentStates,
    limiter: Limiter | None = None,
) -> T:
    """Return the answer of the first candidate that gives one, or of a model that it falls back to.

    The next one is tried where the failure is the deployment's own and it cannot have done the work. That excludes a
    time-out after the whole request was sent, unless the document asks for it: the answer may have been made, and
    charged, all the same. A deployment is asked again only where there is no other, no model to fall back to, and it
    cannot have done the work.

    Args:
        account: of the call.
        reach: one of a provider's two ways to be called: whole answer or stream.
        states: what is remembered of the deployments.
        limiter: knows which of them are at their limits: these are skipped. None if nothing is limited.

    Raises:
        GatewayError: the failure of the last candidate that was tried.
    """
    failure: GatewayError | None = None
    candidates = account.candidates
    retries = 0
    while candidates:
        for document in candidates:
            if document.limits is not NO_LIMITS and limiter is not None and not await limiter.claim(account, document):
                failure = failure or all_at_their_limits(document.code)
                continue
            attempt = account.attempt(document, states.of(document))
            try:
                if document.drain_tokens:
                    answer = await reach_to_the_end(account, reach, document, attempt)
                else:
                    answer = await reach(account.call, document, attempt)
            except DeploymentUnusableError as error:
                account.attempt_failed(error)
                failure = failure or error
            except UpstreamError as error:
                account.attempt_failed(error)
                failure = error
                states.note(error)
                if not error.retryable or _may_cost_twice(account, error):
                    break
            else:
                account.attempt_succeeded()
                return answer
        candidates = await _further(account, failure, retries, states)
        retries += 1
    if failure is None:
        raise AssertionError("a call was admitted without a deployment")
    raise failure


async def _further(
    account: CallAccount, failure: GatewayError | None, retries: int, states: DeploymentStates
) -> Sequence[ModelDocument]:
    """Return the deployments of a model to fall back to, or the only one of a call once it may be asked again.

    Raises:
        asyncio.CancelledError: the caller disconnected meanwhile. The call is settled as the failure that it was.
    """
    if account.fallbacks is not None and failure is not None:
        candidates = account.fallbacks.after(failure)
        if candidates:
            return candidates
    documents, attempts = account.candidates, account.attempts
    if not isinstance(failure, UpstreamError) or len(documents) > 1 or account.document is not documents[0]:
        return ()
    if not attempts or attempts[-1].may_have_worked:
        return ()
    seconds = states.wait_before_retry(documents[0], failure, retries, account.started)
    if seconds is None:
        return ()
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await account.failed(failure)
        raise
    return documents


def _may_cost_twice(account: CallAccount, error: UpstreamError) -> bool:
    attempt = account.attempts[-1]
    timed_out = isinstance(error, UpstreamTimeoutError) and attempt.may_have_worked
    return timed_out and not attempt.document.retry_timeouts
