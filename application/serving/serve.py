"""The request path from end to end: authenticate, admit, attempt, relay, settle."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from application.ports.providers import Answer, Provider, StoredAction, StoredCall
from application.serving.accounting import CallAccount
from application.serving.admit import admit
from application.serving.attempts import first_success
from application.serving.authenticate import authenticate, everybody
from application.serving.background_results import BackgroundResults
from application.serving.catalog_view import CatalogView
from application.serving.content_recorder import ContentRecorder
from application.serving.deployment_states import DeploymentStates
from application.serving.fallbacks import Fallbacks
from application.serving.ledger import Ledger
from application.serving.limiter import Limiter
from application.serving.response_affinity import ResponseAffinity, Swaps
from application.serving.resumed_stream import ResumedStream
from application.serving.stored import StoredResponses
from application.serving.stream import Relay
from application.serving.token_callers import TOKEN_BEGIN, TokenCallers
from application.serving.use_case import UseCase
from domain.call import Call
from domain.errors import GatewayError, InvalidApiKeyError, QuotaExceededError
from domain.project import Caller
from domain.rate_limit import RateState


class Serving:
    """Serves calls. Holds what they share; everything about one call is in its ``CallAccount``.

    Args:
        view: the current catalogue.
        provider: reaches the upstreams.
        ledger: records the lines of calls.
        deployments: chooses among them, and remembers how they do.
        affinity: leads calls back to the deployment that keeps what they continue.
        limiter: holds calls to their limits and budgets; None if nothing is limited.
        contents: records the content of calls of projects that ask for it; None if nothing does.
        authentication: if false, every caller is project ``default``.
        tokens: callers with tokens of other services; None if only keys are accepted.
    """

    def __init__(  # noqa: PLR0913 - what a call needs
        self,
        view: CatalogView,
        provider: Provider,
        ledger: Ledger,
        deployments: DeploymentStates,
        affinity: ResponseAffinity,
        limiter: Limiter | None = None,
        *,
        contents: ContentRecorder | None = None,
        authentication: bool = True,
        tokens: TokenCallers | None = None,
    ) -> None:
        self.view = view
        self._provider = provider
        self._ledger = ledger
        self._deployments = deployments
        self._affinity = affinity
        self._stored = StoredResponses(provider, affinity, ledger)
        self._background = BackgroundResults(
            lambda caller, public_id, request_id: self._stored.settle(caller, view.catalog, public_id, request_id)
        )
        self._limiter = limiter
        self._contents = contents
        self._authentication = authentication
        self._tokens = tokens

    def authenticate(self, key: str | None) -> Caller:
        """Return the caller that presents this key.

        Raises:
            InvalidApiKeyError: the key is missing, unknown or no longer valid.
            NotReadyError: no catalogue has been read yet.
        """
        catalog = self.view.catalog
        if not self._authentication:
            return everybody(catalog)
        return authenticate(key, catalog, self._ledger.clock.now)

    def accepts_token(self, credential: str | None) -> bool:
        """Return whether a credential is to be verified as a token, with :meth:`authenticate_token`."""
        return (
            self._tokens is not None
            and credential is not None
            and self._authentication
            and credential.startswith(TOKEN_BEGIN)
        )

    async def authenticate_token(self, token: str, project_id: str | None) -> Caller:
        """Return the caller of a token of another service.

        Args:
            token: as it arrived.
            project_id: the project that the caller names; None if it names none.

        Raises:
            InvalidApiKeyError: the token is not valid, or does not belong to one enabled project.
            UnavailableError: it cannot be verified now, or no catalogue has been read yet.
        """
        if self._tokens is None:
            raise InvalidApiKeyError("Tokens are not accepted here.")
        return await self._tokens.caller(token, self.view.catalog, project_id)

    def admit(self, use_case: UseCase, call: Call, caller: Caller) -> CallAccount:
        """Admit a call that arrived just now, and open its account.

        Raises:
            GatewayError: it cannot be served.
        """
        catalog = self.view.catalog
        swaps: Swaps = {}
        if use_case.stateful:
            call, swaps = self._affinity.bind(caller.project.id, call)
        candidates = admit(call, caller, catalog, self._deployments.order)
        ledger, recording = self._ledger, None
        if caller.project.content is not None and self._contents is not None:
            ledger, recording = self._contents.open(ledger, call, caller.project.content)
        account = CallAccount(ledger, use_case, call, caller, candidates)
        if candidates[0].fallbacks_for and call.deployment is None:
            account.fallbacks = Fallbacks(call, caller, candidates[0], catalog, self._deployments.order)
        if use_case.stateful:
            account.rewrite = self._affinity.rewriter(account, swaps)
        if recording is not None:
            account.rewrite = recording(account.rewrite)
        return account

    async def answer(self, account: CallAccount) -> Answer:
        """Serve a call with one whole answer. Its ledger line is recorded when this returns or raises.

        Raises:
            GatewayError: no deployment answered it.
        """
        try:
            if self._limiter is not None:
                try:
                    await self._limiter.admit(account, self.view.catalog)
                except QuotaExceededError as spent:
                    await self._reserve_for_fallback(account, self._limiter, spent)
            answer = await first_success(account, self._provider.answer, self._deployments, self._limiter)
        except BaseException as cause:
            await account.failed(cause)
            raise
        account.answered()
        if account.rewrite is not None:
            answer = replace(answer, body=account.rewrite(answer.body))
        await account.completed(answer.usage, answer.body)
        self._ended(account)
        return answer

    async def stream(self, account: CallAccount) -> Relay:
        """Serve a call with a stream.

        Raises:
            GatewayError: no deployment took it; nothing has been sent yet. Its ledger line is recorded.
        """
        try:
            if self._limiter is not None:
                try:
                    await self._limiter.admit(account, self.view.catalog)
                except QuotaExceededError as spent:
                    await self._reserve_for_fallback(account, self._limiter, spent)
            stream = await first_success(account, self._provider.stream, self._deployments, self._limiter)
            return Relay(account, stream, self._ended)
        except BaseException as cause:
            await account.failed(cause)
            raise

    async def _reserve_for_fallback(self, account: CallAccount, limiter: Limiter, spent: QuotaExceededError) -> None:
        """Reserve what a call needs for the first model to fall back to that the budgets can pay for.

        Raises:
            GatewayError: there is none, or the call exceeds a limit.
        """
        while account.fallbacks is not None:
            account.candidates = account.fallbacks.after(spent)
            if not account.candidates:
                break
            with suppress(QuotaExceededError):
                return await limiter.admit(account, self.view.catalog)
        raise spent

    def _ended(self, account: CallAccount) -> None:
        """Follow a response that goes on in the background, and was not charged."""
        if account.public_id is not None and account.line_id is None:
            self._background.expect(account.caller, account.public_id, account.call.request_id)

    def limits_of(self, account: CallAccount) -> Sequence[RateState]:
        """Return what is left of the limits that apply to a call; empty if there are none."""
        return () if self._limiter is None else self._limiter.state(account)

    async def count(self, caller: Caller, route: str) -> None:
        """Count a request that is about no model.

        Raises:
            RateLimitedError: a limit of this path is reached.
        """
        if self._limiter is not None:
            await self._limiter.count(caller, route, self.view.catalog)

    async def stored(self, caller: Caller, call: StoredCall) -> Answer:
        """Do something with a stored response of the caller's project, where it is kept.

        Raises:
            ResponseNotFoundError: the project has no such response, or its deployment no longer exists.
            GatewayError: the call failed.
        """
        if call.action is StoredAction.DELETE and self._background.follows(call.response_id):
            with suppress(GatewayError):  # what is deleted cannot be charged any more
                await self._stored.settle(caller, self.view.catalog, call.response_id, call.request_id)
        return await self._stored(caller, self.view.catalog, call)

    async def resume(self, use_case: UseCase, caller: Caller, call: StoredCall) -> ResumedStream:
        """Stream a background response of the caller's project, from its begin or from where the query says.

        Raises:
            ResponseNotFoundError: the project has no such response, or its deployment no longer exists.
            GatewayError: the call failed; nothing has been sent yet.
        """
        return await self._stored.resume(use_case, caller, self.view.catalog, call)
