"""Calls of a server that exports to a collector of the tests."""

from __future__ import annotations

from openai import OpenAI

from tests.fakes.llmproxy_server import LLMProxy

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROMPT = "a prompt that no collector may see"
KEY = "upstream-key-that-no-collector-may-see"


def variables(url: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OTEL_SERVICE_NAME": "the-proxy",
    }


def client(proxy: LLMProxy) -> OpenAI:
    return OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)


def chat(proxy: LLMProxy, model: str, request_id: str, **headers: str) -> None:
    client(proxy).chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": PROMPT}],
        extra_headers={"x-request-id": request_id, **headers},
    )
