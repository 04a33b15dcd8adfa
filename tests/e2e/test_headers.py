"""Headers that documents set and pass on, from the caller to the upstream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.documents.headers import FORBIDDEN_HEADERS
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.translated_vendors import claude

SECRET = "value-of-the-gateway-subscription"
INLINE = "inline-token-0123456789"
HEADERS = {
    "HTTP-Referer": "https://app.example",
    "anthropic-beta": "of-the-document",
    "X-Gateway": "GATEWAY_SUBSCRIPTION",
    "X-Inline-Token": INLINE,
}
FORWARDED = ["OpenAI-Beta", "anthropic-beta", "traceparent", "x-*"]
FRAMING = {"content-*", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "host"}
"""Rows whose headers would change the request of the test itself."""
SPELT = [str.lower, str.upper, lambda name: name.replace("-", "_")]
SENT = {
    "OpenAI-Beta": "assistants=v2",
    "anthropic-beta": "of-the-caller",
    "traceparent": "00-1-2-01",
    "x-ms-user": "caf\xe9",
    "Idempotency-Key": "not-listed",
}


def translated(url: str, **over: object) -> dict[str, object]:
    parameters = {"endpoint": url, "api_key": "sk-vendor-0123456789", "model": "claude-sonnet-4-5"}
    return upstream("claude", url, model_type="Anthropic", parameters=parameters, **over)


@pytest.fixture(scope="module")
def vendor() -> Iterator[RecordingUpstream]:
    with RecordingUpstream(json.dumps(claude({"type": "text", "text": "Hi."})).encode()) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, vendor: RecordingUpstream
) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("headers"),
        upstream("own", simulator.url, headers=HEADERS, forward_headers=FORWARDED, operations=["ChatCompletion"]),
        upstream("plain", simulator.url),
        upstream("bound", simulator.url, headers={"X-Bound": "BOUND_HEADER"}),
        translated(vendor.url, headers=HEADERS, forward_headers=FORWARDED),
        variables={
            "GATEWAY_SUBSCRIPTION": SECRET,
            "BOUND_HEADER": "never",
            "LLMPROXY_SECRET_HOSTS": "BOUND_HEADER=other.example",
        },
    )
    yield made
    made.stop()


def call(proxy: LLMProxy, model: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **members}
    encoded = [("authorization", f"Bearer {proxy.key}"), *(headers or {}).items()]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in encoded]
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=raw, timeout=60)


@pytest.mark.parametrize("stream", [False, True])
def test_headers_reach_an_upstream_in_openais_format(proxy: LLMProxy, simulator: Simulator, *, stream: bool) -> None:
    assert call(proxy, "own", SENT, stream=stream).status_code == 200
    seen = simulator.last()["headers"]
    assert seen["http-referer"] == "https://app.example"
    assert seen["x-gateway"] == SECRET
    assert seen["x-inline-token"] == INLINE
    assert seen["anthropic-beta"] == "of-the-document"
    assert (seen["openai-beta"], seen["traceparent"], seen["x-ms-user"]) == ("assistants=v2", "00-1-2-01", "caf\xe9")
    assert "idempotency-key" not in seen


def test_nothing_is_passed_on_unless_listed(proxy: LLMProxy, simulator: Simulator) -> None:
    assert call(proxy, "plain", SENT).status_code == 200
    expected = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
    assert set(simulator.last()["headers"]) == expected


@pytest.mark.parametrize("model", ["own", "claude"])
@pytest.mark.parametrize("spelt", SPELT)
def test_forbidden_headers_never_pass(
    proxy: LLMProxy, simulator: Simulator, vendor: RecordingUpstream, model: str, spelt: type[str]
) -> None:
    rows = [row.replace("*", "ending") for row in FORBIDDEN_HEADERS if row not in FRAMING]
    names = [spelt(name) for name in [*rows, "x-goog-api-key", "x-ms-token-aad-access-token"]]
    headers = {name: "marked-by-the-caller" for name in names if name.lower() != "authorization"}
    assert call(proxy, model, {**headers, "x-control": "passes"}).status_code == 200
    seen = simulator.last()["headers"] if model == "own" else vendor.headers[-1]
    assert seen["x-control"] == "passes"
    assert "marked-by-the-caller" not in seen.values()
    assert proxy.key not in str(seen)


def test_headers_reach_a_vendor_through_litellm(proxy: LLMProxy, vendor: RecordingUpstream) -> None:
    assert call(proxy, "claude", SENT).status_code == 200
    seen = vendor.headers[-1]
    assert (seen["http-referer"], seen["x-gateway"]) == ("https://app.example", SECRET)
    assert seen["anthropic-beta"] == "of-the-document"
    assert "of-the-caller" not in str(seen)
    assert (seen["openai-beta"], seen["traceparent"]) == ("assistants=v2", "00-1-2-01")
    assert "idempotency-key" not in seen
    assert seen["x-api-key"] == "sk-vendor-0123456789"


def test_a_variable_is_not_sent_to_other_hosts(proxy: LLMProxy, simulator: Simulator) -> None:
    before = simulator.calls()
    assert call(proxy, "bound").status_code == 503
    assert simulator.calls() == before


def test_values_appear_in_no_error_log_or_export(proxy: LLMProxy, vendor: RecordingUpstream, tmp_path: Path) -> None:
    answer, vendor.status = vendor.answer, 400
    echo = f"bad headers {SECRET} and {INLINE}"
    vendor.answer = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": echo}}).encode()
    try:
        refused = call(proxy, "claude", SENT)
    finally:
        vendor.answer, vendor.status = answer, 200
    assert refused.status_code == 400
    assert "bad headers" in refused.text
    proxy.command("catalog", "export", str(tmp_path / "out"))
    exported = "".join(file.read_text(encoding="utf-8") for file in (tmp_path / "out").iterdir())
    assert "GATEWAY_SUBSCRIPTION" in exported
    assert "https://app.example" in exported
    for text in (refused.text, proxy.logs(), exported):
        assert SECRET not in text
        assert INLINE not in text
    proxy.command("catalog", "apply", str(tmp_path / "out"))
