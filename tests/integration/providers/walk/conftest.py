"""A document for each family of vendors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.fakes.chat_upstream import answering, completion
from tests.fakes.scripted_server import scripted_server
from tests.fakes.vertex import vertex
from tests.fakes.walked_requests import (
    Vendors,
)
from tests.integration.providers.conftest import KEY, document


@pytest.fixture
async def vendors() -> AsyncIterator[Vendors]:
    ok = answering(json.dumps(completion()).encode())
    async with vertex("") as front, scripted_server(ok) as server:
        google = {"secret_name": "ROBOT", "gcp_project": "p1", "location": "us-central1", "endpoint": front.url}
        keyed = {"api_key": KEY, "endpoint": f"http://{server.origin.authority}"}
        documents = {
            "claude": document(ModelType.ANTHROPIC, "claude-sonnet-4-5", **keyed),
            "vertex-claude": document(ModelType.GOOGLE_VERTEX_CLAUDE, "claude-sonnet-4", **google),
            "gemini": document(ModelType.GOOGLE_VERTEX, "gemini-2.5-flash", **google),
            "cohere": document(ModelType.COHERE, "command-r", **keyed),
            "mistral": document(ModelType.GOOGLE_VERTEX_MISTRAL, "mistral-large-2411", **google),
            "jamba": document(ModelType.GOOGLE_VERTEX_JAMBA, "jamba-1.5-large", **google),
            "deepseek": document(ModelType.GOOGLE_VERTEX_DEEPSEEK, "deepseek-v3.1-maas", **google),
            "foundry": document(ModelType.AZURE_FOUNDRY, "mistral-large", **keyed),
            "perplexity": document(ModelType.PERPLEXITY, "sonar", **keyed),
        }
        provider = LiteLLMProvider({"ROBOT": front.service_account()}.get, silence_timeout=5, total_timeout=10)
        yield Vendors(documents, provider, [front.bodies, server.requests])
