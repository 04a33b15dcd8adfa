"""The paths for operators of a running server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter

from application.serving.chaos import Chaos
from application.serving.health_view import HealthView
from application.serving.ledger import Clock
from application.serving.serve import Serving
from application.use_cases.load_tests import LoadTests
from infra.controllers.admin_access import AdminAccess
from infra.controllers.chaos import Experiments, chaos_router
from infra.controllers.health_pages import health_router
from infra.controllers.load_tests import load_test_router
from infra.telemetry.memory_watch import MemoryWatch
from llmproxy.chaos import shared
from llmproxy.debugging import debug_routes
from llmproxy.load_tests import load_tests
from llmproxy.providers import product_version


@dataclass(frozen=True, slots=True)
class OperatorRoutes:
    """Routes for operators, and what the pages of administration share with them.

    Args:
        routers: the routes.
        experiments: with injected faults.
        load_tests: of this process.
    """

    routers: Sequence[APIRouter]
    experiments: Experiments
    load_tests: LoadTests


@asynccontextmanager
async def operator_routes(
    folder: Path | None,
    access: AdminAccess,
    memory: MemoryWatch,
    view: HealthView,
    chaos: Chaos,
    serving: Serving,
    clock: Clock,
) -> AsyncIterator[OperatorRoutes]:
    """Yield the routes, and run what they need.

    Args:
        folder: ``DATA_DIR``, which worker processes share; None if nothing is kept on disk.
        access: who may use them.
        memory: of this process.
        view: the health of deployments as far as it is known.
        chaos: injects faults on purpose.
        serving: serves the calls of load tests.
        clock: time.
    """
    async with AsyncExitStack() as stack:
        debug = await stack.enter_async_context(debug_routes(folder, access, memory))
        experiments = Experiments(chaos, await stack.enter_async_context(shared(chaos, folder)))
        tests = await stack.enter_async_context(load_tests(serving, clock, folder))
        routers = [
            debug,
            health_router(view, product_version(), access),
            load_test_router(tests, access),
            chaos_router(experiments, access),
        ]
        yield OperatorRoutes(routers, experiments, tests)
