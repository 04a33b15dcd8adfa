"""Azure without a key: each request carries a token of the machine's identity."""

from __future__ import annotations

import asyncio

import pytest

from application.ports.providers import StoredAction, StoredCall
from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.openai_wire.request.sender import Identities
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.http_calls import until
from tests.fakes.scripted_server import ScriptedServer, scripted_server
from tests.integration.openai_wire.conftest import JSON, KEY, REQUEST_ID, document_at, field, form_call, json_call


def azure_at(server: ScriptedServer, **parameters: str | None) -> ModelDocument:
    given = {"endpoint": f"http://{server.origin.authority}", "deployment_name": "d"} | parameters
    return model_document(model_type=ModelType.AZURE_OPENAI, parameters=Parameters(**given))  # type: ignore[arg-type]


async def test_every_request_carries_a_token(pool: HttpPool) -> None:
    tokens = iter(["one", "two", "three"])

    async def identity() -> str:
        return next(tokens)

    wire = OpenAIWire(pool, {"THE_KEY": KEY}.get, silence_timeout=5, total_timeout=10, identities=Identities(identity))
    async with scripted_server(answering(b'{"object":"response"}', JSON)) as server:
        document = azure_at(server)
        assert wire.unusable_because(document) is None
        await wire.answer(json_call(Endpoint.EMBEDDINGS, input="x"), document)
        await wire.answer(form_call(Endpoint.TRANSCRIPTIONS, field("model", "m")), document)
        await wire.stored(StoredCall(StoredAction.RETRIEVE, "r", request_id=REQUEST_ID), document)
        await wire.answer(json_call(Endpoint.EMBEDDINGS, input="x"), azure_at(server, secret_name="THE_KEY"))
        await wire.answer(json_call(Endpoint.EMBEDDINGS, input="x"), document_at(server, secret_name=None))
    sent = [(each.headers.get(b"authorization"), each.headers.get(b"api-key")) for each in server.requests]
    assert sent == [
        (b"Bearer one", None),
        (b"Bearer two", None),
        (b"Bearer three", None),
        (None, KEY.encode()),
        (None, None),
    ]
    assert server.requests[2].headers[b"x-request-id"] == REQUEST_ID.encode()


async def test_a_document_without_key_and_identity_is_unusable(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b"{}", JSON)) as server:
        with pytest.raises(DeploymentUnusableError) as caught:
            await wire.answer(json_call(Endpoint.EMBEDDINGS, input="x"), azure_at(server))
        with pytest.raises(DeploymentUnusableError):  # nothing is known of the response: it may well be there
            await wire.stored(StoredCall(StoredAction.RETRIEVE, "r"), azure_at(server))
    assert server.requests == []
    assert "secret_name" in caught.value.reason
    assert "identity" in caught.value.reason


async def test_a_key_that_is_named_but_missing_is_not_replaced(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b"{}", JSON)) as server:
        reason = wire.unusable_because(azure_at(server, secret_name="NOT_THERE"))
    assert reason is not None
    assert "NOT_THERE" in reason


async def test_the_first_token_is_fetched_before_the_first_call(pool: HttpPool) -> None:
    asked: list[str] = []

    async def identity() -> str:
        asked.append("azure")
        return "token"

    wire = OpenAIWire(pool, {"THE_KEY": KEY}.get, silence_timeout=5, total_timeout=10, identities=Identities(identity))
    async with scripted_server(answering(b"{}", JSON)) as server:
        wire.prepare(azure_at(server))
        await until(lambda: asked == ["azure"])
        wire.prepare(azure_at(server, secret_name="THE_KEY"))
        wire.prepare(azure_at(server, secret_name="NOT_THERE"))
        wire.prepare(document_at(server, secret_name=None))
        await asyncio.sleep(0)
    assert (asked, server.requests) == (["azure"], [])
