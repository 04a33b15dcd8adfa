"""The gauges of this process, and how its metrics are counted, shared with its sibling workers, and rendered."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import APIRouter

from application.errors import StoreUnavailableError
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from domain.administrators import Permission
from domain.circuit_breaker import BreakerState
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from infra.clients.http.pool import HttpPool
from infra.controllers.admin_access import AdminAccess
from infra.controllers.metrics import metrics_router
from infra.controllers.metrics_port import MetricsPort
from infra.controllers.request_log import RequestRecord
from infra.providers.reported_usage import UnknownMembers
from infra.telemetry.anomaly_watch import AnomalyWatch
from infra.telemetry.call_metrics import CallMetrics
from infra.telemetry.loop_lag import LoopLag
from infra.telemetry.prometheus import Exposition, Gauge, Sample, read_gauges
from infra.telemetry.worker_files import WorkerFiles, collector
from llmproxy.settings import Settings
from llmproxy.stores import Stores

_WRITE_INTERVAL = 2.0
"""Seconds between two writes of a worker's file."""
_BREAKER = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 1.0, BreakerState.OPEN: 2.0}


class Metrics:
    """Counters and gauges of this process.

    Args:
        most_series: see ``CallMetrics``.
        folder: for the files of worker processes; None to keep nothing on disk.
    """

    def __init__(self, most_series: int, folder: Path | None) -> None:
        self._calls = CallMetrics(most_series)
        self._gauges: Sequence[Gauge] = ()
        parent = multiprocessing.parent_process()
        self._files = None
        if folder is not None and parent is not None and parent.pid is not None:
            self._files = WorkerFiles(folder, parent.pid, os.getpid())

    def recording(self, record: Callable[[LedgerLine], None]) -> Callable[[LedgerLine], None]:
        """Return a function that records a ledger line and counts it."""
        count = self._calls.call

        def record_and_count(line: LedgerLine) -> None:
            record(line)
            count(line)

        return record_and_count

    def count(self, request: RequestRecord) -> None:
        """Count a finished request."""
        self._calls.request(request.method, request.endpoint, request.status, request.milliseconds)

    @asynccontextmanager
    async def routes(
        self, gauges: Sequence[Gauge], settings: Settings, access: AdminAccess
    ) -> AsyncIterator[Sequence[APIRouter]]:
        """Yield the routes that serve everything, and share the counts with sibling workers meanwhile.

        Args:
            gauges: rows of this process.
            settings: who may read them, and on which port.
            access: who may read them where they are protected.

        Raises:
            StoreUnavailableError: the port cannot be used.
        """
        self._gauges = gauges
        collect = collector(self._calls.counts, lambda: read_gauges(gauges), self._files)
        exposition = Exposition(gauges, collect)
        reader, port = access if settings.llmproxy_metrics_protected else None, settings.llmproxy_metrics_port
        server = None if port is None else await _listen(exposition, reader, settings.host, port)
        tasks = [asyncio.create_task(self._share())]
        if settings.llmproxy_anomaly_interval:
            watch = AnomalyWatch(self._calls, settings.llmproxy_anomaly_interval)
            tasks.append(asyncio.create_task(watch.run(), name="anomalies"))
        yield [metrics_router(exposition, reader)] if server is None else []
        if server is not None:
            server.close()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _share(self) -> None:
        """Write the counts for the sibling workers again and again, where there are any."""
        if self._files is None:
            return
        await asyncio.to_thread(self._files.clean)
        while True:
            # Dumped on the loop's thread: calls change the counts.
            dumped, gauges = self._calls.counts.dump(), read_gauges(self._gauges)
            await asyncio.to_thread(self._files.write, dumped, gauges)
            await asyncio.sleep(_WRITE_INTERVAL)


async def _listen(exposition: Exposition, access: AdminAccess | None, host: str, port: int) -> asyncio.Server:
    async def may_read(headers: list[tuple[bytes, bytes]]) -> bool:
        return access is None or await access.has(headers, Permission.READ_METRICS)

    try:
        return await MetricsPort(exposition, may_read).listen(host, port)
    except OSError as error:
        raise StoreUnavailableError(f"LLMPROXY_METRICS_PORT: port {port}: {os.strerror(error.errno or 0)}") from None


def unknown_usage_gauge(members: UnknownMembers) -> Gauge:
    """Return the row of usage that upstreams report under unknown names."""
    return Gauge(
        "llm_proxy_unknown_usage_members",
        "Reports of usage with a member that holds tokens and is not read, since the start.",
        ("model_type", "member"),
        lambda: [(labels, float(count)) for labels, count in members.counts.items()],
    )


def gauges_of(
    view: CatalogView,
    stores: Stores,
    pool: HttpPool,
    deployments: DeploymentStates,
    time: Callable[[], float],
    data_dir: Path | None,
) -> list[Gauge]:
    """Return the rows of gauges: one for each metric."""
    journal, lag = stores.journal, LoopLag()
    lag.start()

    def one(read: Callable[[], float]) -> Callable[[], list[Sample]]:
        return lambda: [((), read())]

    def busy() -> Iterator[Sample]:
        counted: dict[str, int] = {}
        for document in _documents(view):
            counted[document.provider] = counted.get(document.provider, 0) + deployments.busy(document)
        return (((provider,), float(count)) for provider, count in counted.items())

    def breakers() -> Iterator[Sample]:
        worst: dict[str, float] = {}
        for document in _documents(view):
            state = _BREAKER[deployments.breaker_state(document)]
            worst[document.provider] = max(worst.get(document.provider, 0.0), state)
        return (((provider,), state) for provider, state in worst.items())

    def open_breakers() -> Iterator[Sample]:
        states = ((document, deployments.breaker_state(document)) for document in _documents(view))
        return (
            ((document.code, document.id), _BREAKER[state])
            for document, state in states
            if state is not BreakerState.CLOSED
        )

    rows = [
        Gauge("llm_proxy_active_connections", "Calls under way at a provider.", ("provider",), busy),
        Gauge(
            "llm_proxy_circuit_breaker_state",
            "The worst state of a provider's circuit breakers: 0 closed, 1 half-open, 2 open.",
            ("provider",),
            breakers,
            max,
        ),
        Gauge(
            "llm_proxy_deployment_circuit_breaker_state",
            "Deployments whose circuit breaker is not closed: 1 half-open, 2 open.",
            ("model", "deployment"),
            open_breakers,
            max,
        ),
        Gauge("llm_proxy_upstream_connections_busy", "Connections to upstreams in use.", (), one(lambda: pool.busy)),
        Gauge("llm_proxy_upstream_connections_idle", "Connections to upstreams kept open.", (), one(lambda: pool.idle)),
        Gauge("llm_proxy_upstream_calls_waiting", "Calls waiting for a connection.", (), one(lambda: pool.waiting)),
        Gauge("llm_proxy_upstream_calls_refused", "Calls refused for want of one.", (), one(lambda: pool.refused)),
        Gauge("llm_proxy_ledger_lines_waiting", "Ledger lines not yet in the store.", (), one(lambda: journal.waiting)),
        Gauge("llm_proxy_ledger_lines_lost", "Ledger lines lost since the start.", (), one(lambda: journal.lost)),
        Gauge(
            "llm_proxy_ledger_lines_rejected",
            "Ledger lines that the store can never take, since the start.",
            (),
            one(lambda: journal.rejected),
        ),
        Gauge(
            "llm_proxy_catalogue_age_seconds",
            "Since the store last confirmed the catalogue.",
            (),
            lambda: [] if view.checked_at is None else [((), time() - view.checked_at)],
            max,
        ),
        Gauge(
            "llm_proxy_catalogue_documents",
            "Model documents in service.",
            (),
            one(lambda: len(_documents(view))),
            max,
        ),
        Gauge(
            "llm_proxy_catalogue_left_out",
            "Documents that cannot be used.",
            (),
            one(lambda: len(view.catalog.left_out) if view.ready else 0),
            max,
        ),
        Gauge(
            "llm_proxy_event_loop_lag_seconds",
            "The longest that the event loop was held up during the last half minute.",
            (),
            one(lag.longest),
            max,
        ),
    ]
    if data_dir is not None:
        free = one(lambda: shutil.disk_usage(data_dir).free if data_dir.exists() else 0)
        rows.append(Gauge("llm_proxy_data_dir_free_bytes", "Free space for `DATA_DIR`.", (), free, min))
    return rows


def _documents(view: CatalogView) -> list[ModelDocument]:
    return list(view.catalog.by_id.values()) if view.ready else []
