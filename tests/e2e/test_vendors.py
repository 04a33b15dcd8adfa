"""Every kind of vendor through the real server: OpenAI's client on one side, a mock of the vendors on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.fakes.aimock import aimock
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import wait_until
from tests.fakes.vertex import vertex

TEXT = "Hi there! I am a mock, at your service today."
USAGE = {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20}
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
KEY = {"secret_name": "VENDOR_API_KEY"}


def documents(mock: str, front: str) -> dict[str, dict[str, object]]:
    """A document for each way to a vendor, by its code."""
    google = {"secret_name": "GOOGLE_ROBOT", "gcp_project": "p1", "location": "us-central1", "endpoint": front}
    azure = {**KEY, "endpoint": mock, "deployment_name": "gpt-4o", "api_version": "2024-10-21"}
    ways: dict[str, tuple[str, dict[str, str]]] = {
        "azure-native": ("AzureOpenAI", azure),
        "openai-native": ("OpenAI", {**KEY, "endpoint": f"{mock}/v1"}),
        "azure-litellm": (
            "LiteLLM",
            {**KEY, "endpoint": mock, "api_version": "2024-10-21", "model": "azure/gpt-4o"},
        ),
        "mistral-large": ("AzureFoundry", {**KEY, "endpoint": mock}),
        "claude-sonnet-4-5": ("Anthropic", {**KEY, "endpoint": mock}),
        "gemini": ("LiteLLM", {**KEY, "endpoint": f"{mock}/v1beta", "model": "gemini/gemini-2.0-flash"}),
        "command-r": ("Cohere", {**KEY, "endpoint": mock}),
        "gemini-2.0-flash": ("GoogleVertex", google),
        "claude-3-sonnet": ("GoogleVertexClaude", google),
    }
    return {code: simulated(code, model_type=kind, parameters=parameters) for code, (kind, parameters) in ways.items()}


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[LLMProxy]:
    fixtures = [{"match": {"userMessage": "hello"}, "response": {"content": TEXT, "usage": USAGE}}]
    with aimock(tmp_path, fixtures) as mock:
        async with vertex(mock) as front:
            secrets = {"VENDOR_API_KEY": "sk-vendor-0123456789", "GOOGLE_ROBOT": front.service_account()}
            made = LLMProxy(tmp_path, *documents(mock, front.url).values(), variables=secrets)
            yield made
            made.stop()


@pytest.mark.timeout(180)
async def test_each_vendor_answers_whole_and_streamed_and_is_billed_right(proxy: LLMProxy) -> None:
    codes = list(documents("", ""))
    async with AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=60) as client:
        for code in codes:
            whole = await client.chat.completions.create(model=code, messages=HELLO)
            assert whole.choices[0].message.content == TEXT, code
            assert whole.usage is not None, code
            assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (11, 9), code
            text = ""
            async for chunk in await client.chat.completions.create(model=code, messages=HELLO, stream=True):
                assert chunk.usage is None, code
                text += chunk.choices[0].delta.content or ""
            assert text == TEXT, code
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == 2 * len(codes), 10, "all lines")
    for row in proxy.usage("model"):
        counted = (row["calls"], row["failed"], row["inexact"], row["input_tokens"], row["output_tokens"])
        assert counted == (2, 0, 0, 22, 18), row["model"]
        assert row["cost"] == "0.000235"  # 22 * 2.5 + 18 * 10, per million
    assert "sk-vendor" not in proxy.logs()
