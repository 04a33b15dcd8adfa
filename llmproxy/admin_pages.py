"""Wiring of the pages at ``/admin``."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter
from pydantic import SecretStr

from application.admin.deployments import Upstreams
from application.admin.document_index import (
    DocumentIndex,
    ModelSummary,
    ProjectSummary,
    model_summary,
    of_document,
    of_project,
    project_summary,
)
from application.admin.price_check import Find
from application.ports.catalog_store import Kind
from application.serving.catalog_view import CatalogView
from application.serving.health_view import HealthView
from domain.documents.values import MASK
from domain.rate_limit import NO_LIMITS
from infra.controllers.admin_access import AdminAccess
from infra.controllers.admin_pages.router import admin_pages_router
from infra.controllers.admin_pages.services import AdminServices, SettingRow
from infra.controllers.admin_pages.session_records import SessionRecords
from infra.controllers.admin_pages.sessions import Sessions
from infra.price_list.litellm_file import PriceListError, load_price_list
from llmproxy.providers import Providers
from llmproxy.settings import Authentication, Environment, Settings
from llmproxy.signing import signing_key
from llmproxy.stores import Stores

_PURPOSE = b"llmproxy admin sessions\0"


@asynccontextmanager
async def admin_pages(
    settings: Settings,
    stores: Stores,
    view: CatalogView,
    health: HealthView,
    providers: Providers,
    access: AdminAccess,
) -> AsyncIterator[Sequence[APIRouter]]:
    """Yield the routes of the pages, and keep the record of ended sessions open.

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
        dispatch = providers.dispatch
        services = AdminServices(
            catalog=stores.catalog,
            view=view,
            usage=stores.usage,
            leases=stores.leases,
            audit=stores.audit,
            health=health,
            upstreams=Upstreams(
                dispatch.unusable_because,
                dispatch.upstream_model,
                dispatch.adapter_name,
                lambda name: providers.secrets(name) is not None,
            ),
            models=DocumentIndex(stores.catalog, Kind.MODEL, model_summary, _models_of(view)),
            projects=DocumentIndex(stores.catalog, Kind.PROJECT, project_summary, _projects_of(view)),
            defaults=settings.llmproxy_limits or NO_LIMITS,
            price_list=_price_list(),
            settings=_rows(settings),
            ledger=stores.journal.facts,
            identify=access.identify,
            sessions=Sessions(key, records, lambda: time.time_ns() // 1_000_000),
            refused=access.on_refusal,
            secure=settings.environment is Environment.PRODUCTION,
            environment=settings.environment.value,
            authentication=settings.auth is Authentication.ON,
            timezone=settings.llmproxy_timezone,
        )
        yield [admin_pages_router(services)]


def _models_of(view: CatalogView) -> Callable[[], Iterable[ModelSummary]]:
    return lambda: map(of_document, view.catalog.by_id.values()) if view.ready else ()


def _projects_of(view: CatalogView) -> Callable[[], Iterable[ProjectSummary]]:
    return lambda: map(of_project, view.catalog.projects.values()) if view.ready else ()


def _price_list() -> Callable[[], Awaitable[Find]]:
    """Return a function that loads the price list once, in a thread, when a document is first compared with it."""
    loaded: list[Find] = []

    async def load() -> Find:
        if not loaded:
            try:
                loaded.append((await asyncio.to_thread(load_price_list)).find)
            except PriceListError:
                loaded.append(lambda _document: None)
        return loaded[0]

    return load


def _rows(settings: Settings) -> Sequence[SettingRow]:
    """Return every setting with its value in effect. Secrets are masked."""
    rows: list[SettingRow] = []
    for name, field in sorted(type(settings).model_fields.items()):
        value = getattr(settings, name)
        changed = value != field.default
        shown = MASK if isinstance(value, SecretStr) else "" if value is None else str(value)
        rows.append(SettingRow(name.upper(), shown, changed, (field.description or "").replace("`", "")))
    return rows
