"""Probes of upstreams where documents ask for them. What one process finds is shared with the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from application.errors import StoreUnavailableError
from application.ports.health_store import HealthStore
from application.ports.providers import Provider
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.ledger import Clock
from domain.catalog import Catalog
from domain.errors import GatewayError, UpstreamRefusedError
from domain.health import PROBE_NOT_POSSIBLE, HealthProbe, ProbeKind, ProbeResult
from domain.model import ModelDocument

logger = logging.getLogger(__name__)

_TURN_SECONDS = 1.0
_AT_A_TIME = 16
_SECONDS = 10.0
"""Time for a probe that is not a chat completion."""
_OTHERS_FIRST = 1.5
"""Intervals after which a server probes by itself what nobody else has probed."""
_TIMED_OUT = "upstream_timeout"
_UNAVAILABLE = range(500, 600)
_NOT_NOW = frozenset({408, 429})


class HealthProbes:
    """The latest results, and the task that renews them.

    Args:
        view: the current catalogue.
        provider: reaches the upstreams.
        chat: probes a deployment by a chat completion; raises a ``GatewayError`` if it fails.
        deployments: told of each new result; None if this process serves no calls.
        store: shares results.
        clock: time.
        first: whether this process is the one that probes; others wait for its results half an interval longer.
    """

    def __init__(
        self,
        view: CatalogView,
        provider: Provider,
        chat: Callable[[ModelDocument], Awaitable[None]],
        deployments: DeploymentStates | None,
        store: HealthStore,
        clock: Clock,
        *,
        first: bool = False,
    ) -> None:
        self._view = view
        self._provider = provider
        self._chat = chat
        self._deployments = deployments
        self._store = store
        self._clock = clock
        self._patience = 1.0 if first else _OTHERS_FIRST
        self._results: dict[str, ProbeResult] = {}
        self._failure: str | None = None
        self._catalog: Catalog | None = None
        self._probed: Sequence[ModelDocument] = ()
        """Those of the catalogue that ask for probes."""

    def of(self, document: ModelDocument) -> ProbeResult | None:
        """Return the latest result of a deployment."""
        return self._results.get(document.id)

    async def run(self) -> None:
        """Probe what is due, again and again."""
        while True:
            await self.turn()
            await asyncio.sleep(_TURN_SECONDS)

    async def turn(self) -> None:
        """Probe what is due and has not been probed by another process."""
        if not self._view.ready:
            return
        due = self._due()
        if due and await self._shared(self._take_shared):
            due = self._due()
        if due:
            await self.probe(due)

    async def probe(self, documents: Iterable[ModelDocument]) -> Sequence[ProbeResult]:
        """Probe deployments now, and share the results."""
        slots = asyncio.Semaphore(_AT_A_TIME)

        async def one(document: ModelDocument) -> ProbeResult:
            async with slots:
                return await self._probe(document)

        results = await asyncio.gather(*(one(document) for document in documents))
        for result in results:
            self._take(result)
        await self._shared(lambda: self._store.put(results))
        return results

    async def clear(self) -> int:
        """Forget all results, also those of other processes; returns how many this one had."""
        count = len(self._results)
        self._results.clear()
        await self._shared(self._store.clear)
        return count

    def _due(self) -> list[ModelDocument]:
        catalog, now = self._view.catalog, self._clock.time()
        if catalog is not self._catalog:
            self._catalog = catalog
            self._probed = [document for document in catalog.by_id.values() if document.health is not None]
        return [document for document in self._probed if self._is_due(document, now)]

    def _is_due(self, document: ModelDocument, now: float) -> bool:
        last, interval = self._results.get(document.id), (document.health or HealthProbe()).interval
        return last is None or now - last.time >= interval * self._patience

    async def _take_shared(self) -> None:
        known = self._view.catalog.by_id
        for result in await self._store.all():
            before = self._results.get(result.document)
            if result.document in known and (before is None or before.time < result.time):
                self._take(result)

    def _take(self, result: ProbeResult) -> None:
        before = self._results.get(result.document)
        self._results[result.document] = result
        facts = {"document": result.document, "error": result.error}
        if result.failed and not (before is not None and before.failed):
            logger.warning("a probe failed", extra=facts)
        elif before is not None and before.failed and not result.failed:
            logger.info("a probe succeeded again", extra=facts)
        document = self._view.catalog.by_id.get(result.document)
        if document is None or self._deployments is None:
            return
        # A list of models says nothing about calls: only its failure does.
        if result.failed or (document.health is not None and document.health.kind is ProbeKind.CHAT):
            self._deployments.of(document).probed(available=not result.failed)

    async def _shared(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Use the store; returns whether it is available, and logs when that changes."""
        try:
            await work()
        except StoreUnavailableError as error:
            if self._failure is None:
                logger.warning("results of probes are not shared", extra={"reason": str(error)})
            self._failure = str(error)
            return False
        self._failure = None
        return True

    async def _probe(self, document: ModelDocument) -> ProbeResult:
        kind = (document.health or HealthProbe()).kind
        started = self._clock.monotonic()
        error: str | None = None
        try:
            if kind is ProbeKind.CHAT:
                await self._chat(document)
            else:
                async with asyncio.timeout(_SECONDS):
                    if not await self._provider.check(document, connect_only=kind is ProbeKind.TCP):
                        error = PROBE_NOT_POSSIBLE
        except TimeoutError:
            error = _TIMED_OUT
        except GatewayError as failure:
            error = failure.label if _is_failure(failure) else None
        return ProbeResult(document.id, self._clock.time(), self._clock.monotonic() - started, error)


def _is_failure(error: GatewayError) -> bool:
    """Return whether the upstream, or our credential, failed; after other refusals the upstream is available."""
    if not isinstance(error, UpstreamRefusedError):
        return True
    return error.status in _UNAVAILABLE or error.status in _NOT_NOW
