"""Every way to reach a model, from the settings."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from application.ports.providers import Provider
from application.serving.catalog_view import CatalogView
from application.serving.chaos import Chaos
from application.serving.deployment_states import DeploymentStates
from application.serving.ledger import Clock
from application.serving.secret_sources import SecretSources
from domain.model import ModelDocument
from domain.vendor import Wire
from infra.clients.azure_identity import AzureIdentity
from infra.clients.google_account import GoogleAccounts
from infra.clients.http.pool import HttpPool
from infra.clients.http.proxies import Proxies
from infra.providers.chaos import ChaosProvider
from infra.providers.destinations import Destinations
from infra.providers.dispatch import Dispatch
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.openai_wire.request.sender import Identities
from infra.providers.reported_usage import UnknownMembers
from infra.providers.simulator import SimulatorProvider
from llmproxy.chaos import make_chaos
from llmproxy.secrets import make_secrets
from llmproxy.settings import Settings

SECRETS_DEADLINE = 20.0
"""Seconds that a start, or a command, waits for secrets of a key vault."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Every way to reach a model.

    Args:
        dispatch: calls the adapter of each deployment.
        provider: the same, with injected faults where these are allowed.
        chaos: chooses the injected faults.
        pool: connections to upstreams.
        litellm: for vendors that need translating.
        identity: tokens of the machine's identity.
        google: tokens of Google accounts.
        unknown_usage: members of ``usage`` that are not read.
        secrets: that documents name.
        forget: makes the adapters resolve documents anew, because secrets changed.
        prepare: fetches the token that calls of a document need, in the background.
    """

    dispatch: Dispatch
    provider: Provider
    chaos: Chaos
    pool: HttpPool
    litellm: LiteLLMProvider
    identity: AzureIdentity
    google: GoogleAccounts
    unknown_usage: UnknownMembers
    secrets: SecretSources
    forget: Callable[[], None]
    prepare: Callable[[ModelDocument], None]

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()
        await self.identity.close()
        await self.google.close()
        await self.secrets.close()

    def unusable_because(self, document: ModelDocument) -> str | None:
        """Return why a document cannot be called; None if it can, and then what it needs is prepared."""
        reason = self.dispatch.unusable_because(document)
        if reason is None:
            self.prepare(document)
        return reason

    async def load_secrets(self) -> bool:
        """Read the secrets that documents have asked for; return whether any document must be resolved anew."""
        changed = await self.secrets.settle(SECRETS_DEADLINE)
        if changed:
            self.forget()
        return changed

    def warm_up(self, documents: Iterable[ModelDocument]) -> None:
        """Load LiteLLM in the background if one of the documents is called through it."""
        if any(self.dispatch.calls(self.litellm, document) for document in documents):
            self.litellm.warm_up()

    def facts(self) -> Mapping[str, object]:
        """For the health page."""
        pool = self.pool
        return {
            "connections_busy": pool.busy,
            "connections_idle": pool.idle,
            "calls_waiting": pool.waiting,
            "calls_refused": pool.refused,
            "litellm": self.litellm.state,
        }


def make_providers(settings: Settings, environment: Mapping[str, str]) -> Providers:
    """Build the provider adapters. Opens no connection and imports no SDK."""
    secrets = make_secrets(settings, environment)
    cafile = None if settings.llmproxy_ca_file is None else str(settings.llmproxy_ca_file)
    pool = HttpPool(
        ssl_context=ssl.create_default_context(cafile=cafile),
        proxies=Proxies.from_environment(environment),
        connect_timeout=settings.llmproxy_connect_timeout,
        max_connections_per_origin=settings.llmproxy_upstream_connections,
        max_waiting_per_origin=settings.llmproxy_upstream_queue,
        wait_timeout=settings.llmproxy_upstream_queue_timeout,
    )
    first_byte, silence = settings.llmproxy_first_byte_timeout, settings.llmproxy_silence_timeout
    total = settings.llmproxy_total_timeout
    name = f"llmproxy/{product_version()}"
    identity = AzureIdentity(time.time)
    google = GoogleAccounts(time.time)
    destinations = Destinations.from_settings(settings.llmproxy_identity_hosts, settings.llmproxy_secret_hosts)
    wire = OpenAIWire(
        pool,
        secrets,
        silence_timeout=silence,
        total_timeout=total,
        first_byte_timeout=first_byte,
        user_agent=name,
        identities=Identities(identity.token, google.token),
        destinations=destinations,
    )
    litellm = LiteLLMProvider(
        secrets,
        silence_timeout=silence,
        total_timeout=total,
        first_byte_timeout=first_byte,
        destinations=destinations,
        connect=pool.connect,
    )
    dispatch = Dispatch({Wire.NATIVE: wire, Wire.LITELLM: litellm, Wire.SIMULATOR: SimulatorProvider()})
    chaos = make_chaos(settings)
    provider = ChaosProvider(dispatch, chaos) if chaos.enabled else dispatch
    return Providers(
        dispatch,
        provider,
        chaos,
        pool,
        litellm,
        identity,
        google,
        wire.unknown_usage,
        secrets,
        wire.forget,
        wire.prepare,
    )


def make_deployments(settings: Settings, clock: Clock) -> DeploymentStates:
    """Return what is remembered of deployments: nothing yet."""
    return DeploymentStates(
        clock.monotonic,
        random.random,
        settings.breaker_policy,
        settings.llmproxy_routing,
        settings.retry_policy,
    )


@asynccontextmanager
async def following_secrets(
    providers: Providers, view: CatalogView, deployments: DeploymentStates
) -> AsyncIterator[DeploymentStates]:
    """Follow the secrets that documents name until the block ends; at once if an upstream refuses one.

    Yields:
        The deployments.
    """

    async def changed() -> None:
        providers.forget()
        await view.reconsider()

    if await providers.load_secrets():
        await view.reconsider()
    deployments.on_credential_refused = providers.secrets.wake
    following = asyncio.create_task(providers.secrets.follow(changed), name="secrets")
    try:
        yield deployments
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def product_version() -> str:
    """Return the version of the installed package; ``0`` if it is not installed."""
    try:
        return version("llmproxy")
    except PackageNotFoundError:
        return "0"
