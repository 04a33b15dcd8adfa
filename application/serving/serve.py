"""The request path from end to end: authenticate, admit, attempt, answer or stream, settle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from application.ports.providers import Answer, Provider, StoredAction
from application.serving.admit import admit
from application.serving.answer import finish
from application.serving.attempts import attempt
from application.serving.authenticate import authenticate, everybody
from application.serving.catalog_view import CatalogView
from application.serving.exchange import Exchange
from application.serving.response_affinity import ResponseAffinity
from application.serving.settle import Settle
from application.serving.stored import StoredResponses
from application.serving.stream import Relay, relay
from application.serving.use_case import UseCase
from domain.call import Call
from domain.project import Caller


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, as three plain callables: POSIX seconds, seconds that never go back, and the moment in UTC."""

    time: Callable[[], float]
    monotonic: Callable[[], float]

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)


class Serving:
    """Serves calls. Holds what they share; everything about one call is in its ``Exchange``.

    Args:
        view: the catalogue as it stands.
        provider: reaches the upstreams.
        settle: writes ledger lines.
        clock: time.
        random: numbers from 0 up to but not including 1, for choosing among deployments.
        affinity: leads calls back to the deployment that keeps what they go on with.
        authentication: ``False`` = every caller is project ``default``.
    """

    def __init__(
        self,
        view: CatalogView,
        provider: Provider,
        settle: Settle,
        clock: Clock,
        random: Callable[[], float],
        affinity: ResponseAffinity,
        *,
        authentication: bool = True,
    ) -> None:
        self.view = view
        self._provider = provider
        self._settle = settle
        self._clock = clock
        self._random = random
        self._affinity = affinity
        self._stored = StoredResponses(provider, affinity, settle, self.exchange)
        self._authentication = authentication

    def authenticate(self, key: str | None) -> Caller:
        """Who presents this key.

        Raises:
            InvalidApiKeyError: nobody we know.
            NotReadyError: no catalogue has been read yet, so nobody can be known.
        """
        catalog = self.view.catalog
        if not self._authentication:
            return everybody(catalog)
        return authenticate(key, catalog, self._clock.now)

    def exchange(self, use_case: UseCase, call: Call, caller: Caller) -> Exchange:
        """The record of a call that arrived just now."""
        return Exchange(use_case, call, caller, int(self._clock.time() * 1000), self._clock.monotonic())

    async def answer(self, exchange: Exchange) -> Answer:
        """Serve a call with one whole answer. Its ledger line is recorded when this returns.

        Raises:
            GatewayError: it cannot be served.
        """
        rewrite = self._affinity.bind(exchange) if exchange.use_case.stateful else None
        candidates = admit(exchange.call, exchange.caller, self.view.catalog, self._random)
        answer = await attempt(exchange, candidates, self._provider.answer, self._settle)
        exchange.first_byte = self._clock.monotonic()
        if rewrite is not None:
            answer = replace(answer, body=rewrite(answer.body))
        await finish(exchange, answer, self._settle)
        return answer

    async def stream(self, exchange: Exchange) -> Relay:
        """Serve a call with a stream.

        Raises:
            GatewayError: it cannot be served; nothing has been sent yet.
        """
        rewrite = self._affinity.bind(exchange) if exchange.use_case.stateful else None
        candidates = admit(exchange.call, exchange.caller, self.view.catalog, self._random)
        stream = await attempt(exchange, candidates, self._provider.stream, self._settle)
        blocks = relay(exchange, stream, self._settle, self._clock.monotonic, rewrite)
        return Relay(stream.content_type, blocks, exchange)

    async def stored(self, caller: Caller, action: StoredAction, public_id: str, query: str, request_id: str) -> Answer:
        """Do something with a stored response of the caller's project, where it is kept.

        Raises:
            ResponseNotFoundError: the project has no such response, or its deployment is gone.
            GatewayError: it did not work out.
        """
        return await self._stored(caller, self.view.catalog, action, public_id, query, request_id)
