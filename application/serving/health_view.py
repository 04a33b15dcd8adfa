"""Health of deployments, providers and models, as operators see it: from probes, and from the calls of this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from application.ports.catalog_store import Kind
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.health_probes import HealthProbes
from application.serving.ledger import Clock
from domain.catalog import Catalog
from domain.circuit_breaker import BreakerState
from domain.errors import DeploymentUnusableError
from domain.health import Condition, combined, condition_of, counts
from domain.model import ModelDocument


class HealthView:
    """The health of deployments as far as it is known.

    Args:
        view: the current catalogue.
        deployments: how they do in this process.
        probes: the latest results.
        clock: time.
    """

    def __init__(self, view: CatalogView, deployments: DeploymentStates, probes: HealthProbes, clock: Clock) -> None:
        self._view = view
        self._deployments = deployments
        self._probes = probes
        self._clock = clock
        self._started = clock.monotonic()
        self._catalog: Catalog | None = None
        self._unusable: frozenset[str] = frozenset()
        """Deployments of the catalogue that cannot be called as their documents stand."""

    def moment(self) -> dict[str, Any]:
        """Return the time, and for how long this process has run."""
        return {
            "timestamp": _text(self._clock.time()),
            "uptime": round(self._clock.monotonic() - self._started, 3),
        }

    def totals(self) -> dict[str, Any]:
        """Return how many providers are healthy, without their names."""
        conditions = [self._combined(documents) for documents in self._by_provider().values()]
        failed = sum(self._failed_attempts(document) for document in (self._enabled() if self._view.ready else ()))
        return {"status": combined(conditions).value, **counts(conditions), "failed_attempts": failed}

    def by_provider(self) -> dict[str, Any]:
        """Return everything, by provider."""
        providers = {
            name: {**self._summary(documents), "deployments": [self._deployment(each) for each in documents]}
            for name, documents in sorted(self._by_provider().items())
        }
        return {**self.totals(), **self.moment(), "providers": providers}

    def providers(self) -> dict[str, Any]:
        """Return the providers as a list, each with its models."""
        rows = [
            {"name": name, **self._summary(documents), "models": sorted({document.code for document in documents})}
            for name, documents in sorted(self._by_provider().items())
        ]
        return {**self.totals(), **self.moment(), "providers": rows}

    def models(self) -> dict[str, Any]:
        """Return the health of each model, and of each provider."""
        by_code: dict[str, list[ModelDocument]] = {}
        for document in self._enabled():
            by_code.setdefault(document.code, []).append(document)
        return {
            **self.totals(),
            **self.moment(),
            "components": {name: self._combined(each).value for name, each in sorted(self._by_provider().items())},
            "models": {code: self._combined(each).value for code, each in sorted(by_code.items())},
        }

    def named(self, name: str) -> dict[str, Any] | None:
        """Return the health of a provider, a model or one deployment; None if there is none of this name."""
        documents = self.documents(name)
        if not documents:
            return None
        rows = [self._deployment(document) for document in documents]
        return {"name": name, **self._summary(documents), **self.moment(), "deployments": rows}

    def documents(self, name: str | None = None) -> Sequence[ModelDocument]:
        """Return the enabled deployments of a provider or of a model, or the one with this id; all without a name."""
        enabled = self._enabled()
        if name is None:
            return enabled
        for member in ("provider", "code", "id"):
            found = [document for document in enabled if getattr(document, member) == name]
            if found:
                return found
        folded = name.casefold()
        return [document for document in enabled if document.provider.casefold() == folded]

    def described(self, documents: Iterable[ModelDocument]) -> list[dict[str, Any]]:
        """Return these deployments with their health, as :meth:`by_provider` describes them."""
        return [self._deployment(document) for document in documents]

    def observed(self) -> list[ModelDocument]:
        """Return the deployments that this process knows something about: calls, probes, or that they cannot be called.

        All others are healthy as far as it is known.
        """
        seen, probed = self._deployments.seen, self._probes.of
        return [
            document
            for document in (self._enabled() if self._view.ready else ())
            if seen(document) is not None or probed(document) is not None or not self._usable(document)
        ]

    async def check(self, name: str | None) -> dict[str, Any] | None:
        """Probe deployments now; None if the name is unknown."""
        documents = self.documents(name)
        if name is not None and not documents:
            return None
        await self._probes.probe(documents)
        return self.by_provider() if name is None else self.named(name)

    async def forget(self) -> dict[str, Any]:
        """Forget the results of probes."""
        return {"cleared": await self._probes.clear(), **self.moment()}

    def _enabled(self) -> list[ModelDocument]:
        return list(self._view.catalog.by_id.values())  # disabled documents are not in it

    def _by_provider(self) -> Mapping[str, list[ModelDocument]]:
        found: dict[str, list[ModelDocument]] = {}
        for document in self._enabled() if self._view.ready else ():
            found.setdefault(document.provider, []).append(document)
        return found

    def _condition(self, document: ModelDocument) -> Condition:
        state, now = self._deployments.seen(document), self._clock.monotonic()
        breaker = None if state is None else state.breaker
        return condition_of(breaker, now, self._probes.of(document), usable=self._usable(document))

    def _usable(self, document: ModelDocument) -> bool:
        catalog = self._view.catalog
        if catalog is not self._catalog:
            self._catalog = catalog
            self._unusable = frozenset(entry.id for entry in catalog.left_out if entry.kind is Kind.MODEL)
        return document.id not in self._unusable

    def _combined(self, documents: Iterable[ModelDocument]) -> Condition:
        return combined(self._condition(document) for document in documents)

    def _summary(self, documents: Sequence[ModelDocument]) -> dict[str, Any]:
        conditions = [self._condition(document) for document in documents]
        probes = [probe for document in documents if (probe := self._probes.of(document)) is not None]
        return {
            "status": combined(conditions).value,
            **counts(conditions),
            "last_check": _text(max((probe.time for probe in probes), default=None)),
            "response_time": max((self._seconds(document) or 0 for document in documents), default=0) or None,
        }

    def _deployment(self, document: ModelDocument) -> dict[str, Any]:
        probe, state, now = self._probes.of(document), self._deployments.seen(document), self._clock.monotonic()
        breaker = None if state is None else state.breaker
        failed_at = None if breaker is None else breaker.last_failure
        return {
            "id": document.id,
            "code": document.code,
            "provider": document.provider,
            "status": self._condition(document).value,
            "last_check": _text(None if probe is None else probe.time),
            "response_time": self._seconds(document),
            "error": self._error(document),
            "calls_under_way": self._deployments.busy(document),
            "failed_attempts": self._failed_attempts(document),
            "circuit_breaker": {
                "state": (BreakerState.CLOSED if breaker is None else breaker.state(now)).value,
                "failure_count": 0 if breaker is None else breaker.failures_in_a_row,
                "last_failure_time": _text(None if failed_at is None else self._clock.time() - (now - failed_at)),
            },
        }

    def _failed_attempts(self, document: ModelDocument) -> int:
        state = self._deployments.seen(document)
        return 0 if state is None else state.failures.count

    def _error(self, document: ModelDocument) -> str | None:
        if not self._usable(document):
            return DeploymentUnusableError.code
        probe = self._probes.of(document)
        return None if probe is None else probe.error

    def _seconds(self, document: ModelDocument) -> float | None:
        """Return the time of the latest probe, else the recent average to the first byte of a response."""
        probe = self._probes.of(document)
        seconds = self._deployments.latency(document) if probe is None else probe.seconds
        return None if seconds is None else round(seconds, 4)


def _text(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
