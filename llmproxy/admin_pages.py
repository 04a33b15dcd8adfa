"""Wiring of the pages at ``/admin``."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter

from application.admin.messages import CommandError
from application.admin.price_check import Find
from application.serving.health_view import HealthView
from application.use_cases.trial_call import TrialCalls
from infra.controllers.admin_api.services import AdminApi
from infra.controllers.admin_pages.router import admin_pages_router
from infra.controllers.admin_pages.services import AdminServices, SingleSignOn
from infra.controllers.admin_pages.session_records import SessionRecords
from infra.controllers.admin_pages.sessions import Sessions
from llmproxy.operator_routes import OperatorRoutes
from llmproxy.settings import Environment, Settings
from llmproxy.signing import signing_key

_PURPOSE = b"llmproxy admin sessions\0"


@asynccontextmanager
async def admin_pages(
    settings: Settings,
    api: AdminApi,
    health: HealthView,
    trials: TrialCalls,
    operators: OperatorRoutes,
    sign_on: SingleSignOn | None,
) -> AsyncIterator[APIRouter]:
    """Yield the routes of the pages, and keep the record of ended sessions open.

    Args:
        settings: of the server.
        api: services that the pages share with the API.
        health: of deployments.
        trials: makes calls to try a model.
        operators: what the pages share with the routes for operators.
        sign_on: signs people in at an issuer; None if only keys are accepted.

    Raises:
        StoreUnavailableError: the disk refuses.
    """
    async with AsyncExitStack() as stack:
        folder = Path(settings.data_dir)
        if settings.in_memory:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="llmproxy-")))
        records = SessionRecords(folder / "sessions.sqlite3")
        await records.open()
        stack.push_async_callback(records.close)
        key = hashlib.sha256(_PURPOSE + signing_key(settings)).digest()

        async def price_list() -> Find:
            try:  # a large file: it is read once, in a thread
                return (await asyncio.to_thread(api.price_list))[1]
            except CommandError:
                return lambda _document: None

        services = AdminServices(
            catalog=api.catalog,
            view=api.view,
            usage=api.usage,
            leases=api.leases,
            audit=api.audit,
            health=health,
            upstreams=api.upstreams,
            models=api.models,
            projects=api.projects,
            defaults=api.defaults,
            price_list=price_list,
            settings=api.settings,
            ledger=api.health.sections["ledger"],
            identify=api.access.identify,
            sessions=Sessions(key, records, api.now_ms),
            changed=api.access.on_change,
            refused=api.access.on_refusal,
            secure=settings.environment is Environment.PRODUCTION,
            environment=settings.environment.value,
            authentication=api.authentication,
            timezone=api.timezone,
            single_sign_on=sign_on,
            trials=trials,
            experiments=operators.experiments,
            load_tests=operators.load_tests,
        )
        yield admin_pages_router(services)
