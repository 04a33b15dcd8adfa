"""A whole proxy in this process: every layer from the ASGI application to the ledger, around a scripted provider."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from application.ports.catalog_store import Kind
from application.serving.accounting import CallAccount
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.ledger import Clock, Ledger
from application.serving.response_affinity import ResponseAffinity
from application.serving.serve import Serving
from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.list_models import Sizes
from domain.api_key import fingerprint
from domain.call import Call
from domain.errors import GatewayError
from domain.form import Form
from domain.ledger import LedgerLine
from domain.operation import Operation
from domain.response_id import ResponseIds
from infra.audio.length import length_ms
from infra.catalog_store.memory import MemoryCatalogStore
from infra.clients.memory_budget import MemoryBudget
from infra.clients.sealing import AesSiv
from infra.controllers.app import create_pages
from infra.controllers.asgi_app import AsgiApp
from infra.controllers.call_slots import CallSlots
from infra.controllers.errors import status_of
from infra.controllers.openai.handler import BodyLimits, Handler
from infra.controllers.openai.upload_file import Uploads
from infra.controllers.ops import Health
from tests.builders import model_body, project_body
from tests.fakes.provider import FakeProvider

KEY = "sk-test-key-of-billing"
OTHER_KEY = "sk-other-key-of-another-project"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IDS = ResponseIds(AesSiv(b"k" * 32))
LIMITS = BodyLimits(size=8 << 20, seconds=10, file=1 << 20)


async def nobody(_headers: object) -> bool:
    """Show details to no one."""
    return False


class InProcessProxy:
    """Everything but the network and the stores.

    Args:
        provider: answers for the models.
        authentication: if false, every caller is project ``default``.
        uploads: the folder for forms.
        limits: bounds of a body.
    """

    def __init__(
        self,
        provider: FakeProvider,
        *,
        authentication: bool = True,
        uploads: Path | None = None,
        limits: BodyLimits = LIMITS,
    ) -> None:
        self.provider = provider
        self.lines: list[LedgerLine] = []
        self.access_log: list[Mapping[str, object]] = []
        self.store = MemoryCatalogStore()
        clock = Clock(NOW.timestamp, count().__next__)
        self.view = CatalogView(self.store, provider.unusable_because, clock.time)
        ledger = Ledger(
            self.lines.append, provider.upstream_model, clock, lambda: str(len(self.lines)), status_of, length_ms
        )
        deployments = DeploymentStates(lambda: 0.0, lambda: 0.5)
        self.serving = Serving(
            self.view, provider, ledger, deployments, ResponseAffinity(IDS), authentication=authentication
        )
        self.handler = Handler(self.serving, limits, Uploads(uploads), MemoryBudget(64 << 20), CallSlots(1000, 0, 1))
        health = Health(self.view, {}, clock.time, "0", shows_detail=nobody)
        pages = create_pages(self.serving, health, "0", lambda _document: Sizes())
        self.app = AsgiApp(self.handler, pages, self.access_log.append)

    def client(self) -> httpx.AsyncClient:
        """Return a client that needs no server."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")

    async def load(self, *models: dict[str, object], **key: object) -> None:
        """Store these models and two projects, whose keys are ``KEY`` and ``OTHER_KEY``."""
        for model in models:
            await self.store.put(Kind.MODEL, model)
        entry = _key_entry(KEY) | key
        await self.store.put(Kind.PROJECT, project_body(keys=[entry], tags={"team": "red"}))
        await self.store.put(Kind.PROJECT, project_body(id="other", name="Other", keys=[_key_entry(OTHER_KEY)]))
        await self.view.refresh()

    def account(self, **members: bytes) -> CallAccount:
        """Admit a chat completion."""
        fields = {"model": b'"sim"', "messages": b'[{"role":"user","content":"0123456789ab"}]'} | members
        return self._admit(CHAT_COMPLETION, CHAT_COMPLETION.read(fields, "req-1"), KEY)

    def ask(self, use_case: UseCase, body: Mapping[str, bytes] | Form, key: str = KEY) -> CallAccount:
        """Admit another call, for the model ``sim``."""
        if isinstance(body, Form):
            return self._admit(use_case, use_case.read_form(body, "req-1"), key)
        return self._admit(use_case, use_case.read({"model": b'"sim"', **body}, "req-1"), key)

    def _admit(self, use_case: UseCase, call: Call, key: str) -> CallAccount:
        return self.serving.admit(use_case, call, self.serving.authenticate(key))


async def in_process_proxy(provider: FakeProvider, *models: dict[str, object], **options: Any) -> InProcessProxy:
    """Build a proxy with these models, or one named ``sim``; options as for ``InProcessProxy``."""
    proxy = InProcessProxy(provider, **options)
    await proxy.load(*(models or (model_body(),)))
    return proxy


async def line_of(
    use_case: UseCase, body: Mapping[str, bytes] | Form, behaviour: object, costs: Mapping[str, object]
) -> LedgerLine:
    """Make a call that is answered, completely or streamed, or fails; return its ledger line."""
    model = offering_everything(costs={"currency": "USD", **costs})
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": behaviour}), model)
    account = proxy.ask(use_case, body)
    with suppress(GatewayError):
        if account.call.stream:
            async for _ in (await proxy.serving.stream(account)).blocks:
                pass
        else:
            await proxy.serving.answer(account)
    (line,) = proxy.lines
    return line


def offering_everything(**over: Any) -> dict[str, object]:
    """Return the JSON of a model document that lists every operation."""
    return model_body(operations=[operation.value for operation in Operation], **over)


def _key_entry(key: str) -> dict[str, object]:
    made = "2026-01-01T00:00:00Z"
    return {"id": "k1", "name": "ci", "prefix": key[:7], "sha256": fingerprint(key), "created_at": made}
