"""The request path around a scripted provider, with its ledger in a list."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from application.ports.catalog_store import Kind
from application.serving.accounting import CallAccount
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.ledger import Clock, Ledger
from application.serving.response_affinity import ResponseAffinity
from application.serving.serve import Serving
from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from domain.api_key import fingerprint
from domain.call import Call
from domain.errors import GatewayError
from domain.form import Form
from domain.ledger import LedgerLine
from domain.operation import Operation
from domain.response_id import ResponseIds
from infra.audio.length import length_ms
from infra.catalog_store.memory import MemoryCatalogStore
from infra.controllers.errors import status_of
from tests.builders import model_body, project_body
from tests.fakes.provider import FakeProvider

KEY = "sk-test-key-of-billing"
OTHER_KEY = "sk-other-key-of-another-project"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IDS = ResponseIds(b"k" * 32)


class House:
    """Everything between a read request and its ledger line.

    Args:
        provider: what the upstreams do.
    """

    def __init__(self, provider: FakeProvider) -> None:
        self.lines: list[LedgerLine] = []
        self.store = MemoryCatalogStore()
        clock = Clock(NOW.timestamp, iter(range(1000)).__next__)
        self.view = CatalogView(self.store, provider.unusable_because, clock.time)
        ledger = Ledger(
            self.lines.append, provider.upstream_model, clock, lambda: str(len(self.lines)), status_of, length_ms
        )
        deployments = DeploymentStates(lambda: 0.0, lambda: 0.5)
        self.serving = Serving(self.view, provider, ledger, deployments, ResponseAffinity(IDS))

    async def load(self, *models: dict[str, object], **key: object) -> None:
        for model in models:
            await self.store.put(Kind.MODEL, model)
        entry = _key_entry(KEY) | key
        await self.store.put(Kind.PROJECT, project_body(keys=[entry], tags={"team": "red"}))
        await self.store.put(Kind.PROJECT, project_body(id="other", name="Other", keys=[_key_entry(OTHER_KEY)]))
        await self.view.refresh()

    def account(self, **members: bytes) -> CallAccount:
        """Of a chat completion."""
        fields = {"model": b'"sim"', "messages": b'[{"role":"user","content":"0123456789ab"}]'} | members
        return self._admit(CHAT_COMPLETION, CHAT_COMPLETION.read(fields, "req-1"), KEY)

    def ask(self, use_case: UseCase, body: Mapping[str, bytes] | Form, key: str = KEY) -> CallAccount:
        """Of anything else, for the model ``sim``."""
        if isinstance(body, Form):
            return self._admit(use_case, use_case.read_form(body, "req-1"), key)
        return self._admit(use_case, use_case.read({"model": b'"sim"', **body}, "req-1"), key)

    def _admit(self, use_case: UseCase, call: Call, key: str) -> CallAccount:
        return self.serving.admit(use_case, call, self.serving.authenticate(key))


async def house(provider: FakeProvider, *models: dict[str, object]) -> House:
    made = House(provider)
    await made.load(*(models or (model_body(),)))
    return made


async def line_of(
    use_case: UseCase, body: Mapping[str, bytes] | Form, behaviour: object, costs: Mapping[str, object]
) -> LedgerLine:
    """The line of a call that is answered, whole or as a stream, or fails."""
    model = offering_everything(costs={"currency": "USD", **costs})
    there = await house(FakeProvider(**{"sim-1": behaviour}), model)
    account = there.ask(use_case, body)
    with suppress(GatewayError):
        if account.call.stream:
            async for _ in (await there.serving.stream(account)).blocks:
                pass
        else:
            await there.serving.answer(account)
    (line,) = there.lines
    return line


def offering_everything(**over: Any) -> dict[str, object]:
    """The JSON of a model document that lists every operation."""
    return model_body(operations=[operation.value for operation in Operation], **over)


def _key_entry(key: str) -> dict[str, object]:
    made = "2026-01-01T00:00:00Z"
    return {"id": "k1", "name": "ci", "prefix": key[:7], "sha256": fingerprint(key), "created_at": made}
