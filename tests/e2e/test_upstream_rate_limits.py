"""An upstream's own rate limits: in the ledger's record of the attempt, and never in a response of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.chat_upstream import completion
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.processes import llmproxy, llmproxy_json, wait_until
from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.translated_vendors import claude

OWN = {"x-ratelimit-limit-requests": "5000", "x-ratelimit-remaining-tokens": "149984", "retry-after": "7"}
ANTHROPIC = {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-tokens-remaining": "39000"}


@pytest.fixture(scope="module")
def vendor() -> Iterator[RecordingUpstream]:
    with RecordingUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, vendor: RecordingUpstream) -> Iterator[LLMProxy]:
    parameters = {"endpoint": vendor.url, "api_key": "sk-vendor-0123456789", "model": "claude-sonnet-4-5"}
    folder: Path = tmp_path_factory.mktemp("rate-limits")
    made = LLMProxy(
        folder,
        upstream("native", f"{vendor.url}/v1"),
        upstream("claude", vendor.url, model_type="Anthropic", parameters=parameters),
    )
    yield made
    made.stop()


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize(("model", "reported"), [("native", OWN), ("claude", ANTHROPIC)])
def test_rate_limits_of_upstreams_are_in_the_record_of_the_attempt(
    proxy: LLMProxy, vendor: RecordingUpstream, model: str, reported: dict[str, str], status: int
) -> None:
    answer = completion() if model == "native" else claude({"type": "text", "text": "Hi."})
    refusal = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    vendor.answer = json.dumps(answer if status == 200 else refusal).encode()
    vendor.status, vendor.answer_headers = status, reported
    request_id = f"{model}-{status}"
    answered = httpx.post(
        f"{proxy.url}/v1/chat/completions",
        json={"model": model, "messages": [{"role": "user", "content": "hi"}]},
        headers={"api-key": proxy.key, "x-request-id": request_id},
        timeout=60,
    )
    assert answered.status_code == status
    assert not [name for name in answered.headers if "ratelimit" in name]
    seen = lambda: llmproxy("usage", "call", request_id, env=proxy.env, check=False).returncode == 0  # noqa: E731
    wait_until(seen, what="the line of the call")
    (line,) = llmproxy_json("usage", "call", request_id, env=proxy.env)
    expected = {name: value for name, value in reported.items() if "ratelimit" in name}
    assert expected.items() <= line["attempt_details"][-1]["rate_limits"].items()
    assert f"reported {next(iter(expected))}" in llmproxy("usage", "call", request_id, env=proxy.env).stdout
