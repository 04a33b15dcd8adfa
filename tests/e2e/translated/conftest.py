"""A proxy whose documents lead through LiteLLM to one upstream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.recording_upstream import RecordingUpstream
from tests.vendor_cases import COSTS

KEY = "sk-vendor-0123456789"


@pytest.fixture(scope="module")
def upstream() -> Iterator[RecordingUpstream]:
    with RecordingUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: RecordingUpstream) -> Iterator[LLMProxy]:
    def document(code: str, model_type: str, **parameters: str) -> dict[str, object]:
        reach = {"endpoint": upstream.url, "secret_name": "VENDOR_API_KEY"} | parameters
        operations = ["ChatCompletion", "Responses"]
        return simulated(code, model_type=model_type, parameters=reach, operations=operations, costs=COSTS)

    made = LLMProxy(
        tmp_path_factory.mktemp("translated"),
        document("claude", "Anthropic", model="claude-sonnet-4-5"),
        document("cohere", "Cohere", model="command-r"),
        document("cohere-billed", "Cohere", model="command-r"),
        document("gemini", "LiteLLM", model="gemini/gemini-2.5-flash", endpoint=f"{upstream.url}/v1beta"),
        document("openai", "LiteLLM", model="openai/gpt-4o", endpoint=f"{upstream.url}/v1"),
        variables={"VENDOR_API_KEY": KEY},
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(proxy: LLMProxy) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=60) as made:
        yield made
