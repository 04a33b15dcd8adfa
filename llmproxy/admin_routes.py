"""Wiring of the administration: its routes, among those of callers or on a port of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter

from application.admin.deployments import Upstreams
from application.admin.document_index import DocumentIndex, model_summary, of_document, of_project, project_summary
from application.admin.messages import CommandError
from application.admin.price_check import Find
from application.ports.catalog_store import Kind
from application.serving.serve import Serving
from application.use_cases.trial_call import TrialCalls
from domain.rate_limit import NO_LIMITS
from infra.controllers.admin_access import AdminAccess
from infra.controllers.admin_api import admin_api_routers
from infra.controllers.admin_api.services import AdminApi
from infra.controllers.app import routed_pages
from infra.controllers.ops import Health
from infra.price_list.litellm_file import PriceListError, load_price_list
from llmproxy.admin_pages import admin_pages
from llmproxy.admin_port import open_admin_port
from llmproxy.effective_settings import effective_settings
from llmproxy.identities import single_sign_on
from llmproxy.log_outputs import Logs
from llmproxy.operator_routes import OperatorRoutes
from llmproxy.providers import Providers, product_version
from llmproxy.server_settings import AdminMode
from llmproxy.settings import Authentication, Settings, SettingsError, load_settings
from llmproxy.stores import Stores


def _admin_api(
    settings: Settings,
    environment: Mapping[str, str],
    stores: Stores,
    health: Health,
    providers: Providers,
    access: AdminAccess,
) -> AdminApi:
    """Return the services of the administration."""
    dispatch, view = providers.dispatch, health.view
    return AdminApi(
        access,
        stores.catalog,
        view,
        DocumentIndex(stores.catalog, Kind.MODEL, model_summary, lambda: map(of_document, view.documents.values())),
        DocumentIndex(
            stores.catalog,
            Kind.PROJECT,
            project_summary,
            lambda: map(of_project, view.catalog.projects.values() if view.ready else ()),
        ),
        stores.usage,
        stores.leases,
        stores.audit,
        health,
        upstreams=Upstreams(
            dispatch.unusable_because,
            dispatch.upstream_model,
            dispatch.adapter_name,
            lambda name: providers.secrets(name) is not None,
        ),
        price_list=_price_list,
        defaults=settings.llmproxy_limits or NO_LIMITS,
        settings=lambda: effective_settings(settings, environment),
        reload=_reload,
        time=health.time,
        random_bytes=secrets.token_bytes,
        authentication=settings.auth is Authentication.ON,
        timezone=settings.llmproxy_timezone,
    )


@dataclass(frozen=True, slots=True)
class ServingParts:
    """Parts of the running server that the administration uses.

    Args:
        access: checks who may use it.
        serving: serves the calls that try a model.
        logs: of this process.
        operators: what its pages share with the routes for operators.
    """

    access: AdminAccess
    serving: Serving
    logs: Logs
    operators: OperatorRoutes


@asynccontextmanager
async def admin_routes(
    settings: Settings,
    environment: Mapping[str, str],
    stores: Stores,
    health: Health,
    providers: Providers,
    parts: ServingParts,
) -> AsyncIterator[Sequence[APIRouter]]:
    """Yield the routes for the port of callers: none if they are switched off or have a port of their own.

    Raises:
        StoreUnavailableError: that port cannot be used.
    """
    if settings.llmproxy_admin is AdminMode.OFF or health.providers is None:
        yield []
        return
    api = _admin_api(settings, environment, stores, health, providers, parts.access)
    trials = TrialCalls(parts.serving, lambda: secrets.token_hex(8))
    sign_on = single_sign_on(settings, providers.pool)
    async with admin_pages(settings, api, health.providers, trials, parts.operators, sign_on) as pages:
        routers = [*admin_api_routers(api), pages]
        if settings.llmproxy_admin_port is None:
            yield routers
            return
        async with open_admin_port(settings, routed_pages(product_version(), *routers), parts.logs):
            yield []


@cache
def _price_list() -> tuple[str, Find]:
    try:
        found = load_price_list()
    except PriceListError as error:
        raise CommandError(str(error)) from None
    return found.source, found.find


async def _reload() -> str:
    """Read the settings again, as SIGHUP does.

    Raises:
        CommandError: they are invalid.
    """
    try:
        await asyncio.to_thread(load_settings)
    except SettingsError as error:
        raise CommandError(f"the settings are invalid, the present ones stay: {error}") from None
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        os.kill(parent.pid, signal.SIGHUP)
        return "worker processes are replaced one by one"
    if sys.platform == "win32" or os.isatty(0):  # where SIGHUP ends the server
        return "a server in a terminal reads its settings when it starts"
    os.kill(os.getpid(), signal.SIGHUP)
    return "read again; the log names those that need a restart"
