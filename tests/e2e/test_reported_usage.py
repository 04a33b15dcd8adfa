"""Usage under every vendor's names, and wherever it stands, as the ledger charges it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from tests.fakes.chat_upstream import DONE, chunk, completion, event
from tests.fakes.every_operation import client_of, line_of, lines, post
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer
from tests.fakes.usage_reports import REPORTS

COSTS = {
    "currency": "USD",
    "cost_input_1Mtokens": 10,
    "cost_cached_input_1Mtokens": 1,
    "cost_cache_write_1Mtokens": 20,
    "cost_output_1Mtokens": 100,
}
EVENTS = b"text/event-stream"
USAGE = {"prompt_tokens": 500, "completion_tokens": 1, "total_tokens": 501}


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("usage"),
        upstream("up", f"{scripted.url}/v1", costs=COSTS, operations=["ChatCompletion", "Responses"]),
    )
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


def streamed(client: httpx.Client, scripted: ScriptedUpstream, path: str, *events: bytes) -> httpx.Response:
    with scripted.answering(answer(b"".join(events), EVENTS), then="close"):
        return post(client, path, "up", stream=True)


def test_every_documented_report_is_in_the_ledger(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream
) -> None:
    calls = {}
    for report in REPORTS:
        if not report.quantities.input_tokens:
            continue  # of transcripts by time
        with scripted.answering(answer(json.dumps(completion(usage=report.usage)).encode()), then="close"):
            whole = post(client, "chat/completions", "up")
        end = [event(chunk(finish="stop")), event(chunk(choices=[], usage=report.usage)), DONE]
        in_stream = streamed(client, scripted, "chat/completions", event(chunk("a")), *end)
        assert (whole.status_code, in_stream.status_code) == (200, 200)
        calls[whole.headers["x-request-id"]] = calls[in_stream.headers["x-request-id"]] = report
    line_of(proxy, list(calls)[-1])
    found = lines(proxy)
    for request_id, report in calls.items():
        line, expected = found[request_id], asdict(report.quantities)
        if report.quantities.output_tokens:  # otherwise the output is estimated
            assert {name: line[name] for name in expected} == expected, report.vendor
            assert line["usage_source"] == "measured"


@pytest.mark.parametrize(
    ("usage", "micros"),
    [
        ({"prompt_tokens": 1000, "completion_tokens": 10, "cached_tokens": 900}, 2900),
        ({"prompt_tokens": 1000, "completion_tokens": 10, "prompt_cache_hit_tokens": 900}, 2900),
        (
            {
                "prompt_tokens": 1000,
                "completion_tokens": 10,
                "prompt_tokens_details": {"cached_tokens": 700, "cache_creation_tokens": 200},
            },
            6700,
        ),
        ({"billed_units": {"input_tokens": 5, "output_tokens": 40}, "tokens": {"input_tokens": 71}}, 4050),
    ],
)
def test_cached_and_written_tokens_are_charged_at_their_prices(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, usage: dict[str, object], micros: int
) -> None:
    with scripted.answering(answer(json.dumps(completion(usage=usage)).encode()), then="close"):
        whole = post(client, "chat/completions", "up")
    assert line_of(proxy, whole.headers["x-request-id"])["cost_units"] == micros * 10**6


@pytest.mark.parametrize(
    "events",
    [
        [event(chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}])), DONE],
        [event(chunk(finish="stop", x_groq={"id": "req_1", "usage": USAGE})), DONE],
        [event(chunk(finish="stop", usage=USAGE)), DONE],
        [event(chunk(finish="stop")), DONE, event(chunk(choices=[], usage=USAGE))],
    ],
)
def test_usage_counts_wherever_it_stands(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, events: list[bytes]
) -> None:
    taken = streamed(client, scripted, "chat/completions", event(chunk("Hello there, you!")), *events)
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["input_tokens"], line["output_tokens"], line["usage_source"]) == (500, 1, "measured")
    assert taken.text.endswith("data: [DONE]\n\n")


def test_usage_after_an_error_counts(client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    events = [event(chunk("a")), event({"error": {"message": "m"}}), event(chunk(choices=[], usage=USAGE))]
    taken = streamed(client, scripted, "chat/completions", *events)
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["input_tokens"], line["output_tokens"], line["usage_source"]) == (500, 1, "partial")


@pytest.mark.parametrize("first", [{"choices": []}, {}])
def test_usage_of_the_first_chunk_does_not_hide_what_was_delivered(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, first: dict[str, Any]
) -> None:
    events = [event(chunk("", usage=USAGE, **first)), *[event(chunk("word"))] * 806, event(chunk(finish="stop")), DONE]
    taken = streamed(client, scripted, "chat/completions", *events)
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["input_tokens"], line["usage_source"]) == (500, "estimated")
    assert line["output_tokens"] == 806


def test_a_response_without_deltas_and_usage_is_counted_by_its_text(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream
) -> None:
    content = [{"type": "output_text", "text": "word" * 50, "annotations": []}]
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}]
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": output, "usage": None}
    events = [event({"type": "response.completed", "sequence_number": 0, "response": response})]
    taken = streamed(client, scripted, "responses", *events)
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["output_tokens"], line["usage_source"]) == (50, "estimated")


def test_an_unknown_member_with_tokens_is_logged_once_and_counted(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream
) -> None:
    usage = USAGE | {"brand_new_tokens": 7}
    for _ in range(3):
        with scripted.answering(answer(json.dumps(completion(usage=usage)).encode()), then="close"):
            assert post(client, "chat/completions", "up").status_code == 200
    logged = [line for line in proxy.logs().splitlines() if "brand_new_tokens" in line]
    assert len(logged) == 1
    sample = 'llm_proxy_unknown_usage_members{member="brand_new_tokens",model_type="OpenAICompatible"} 3.0'
    assert sample in httpx.get(f"{proxy.url}/metrics").text
    assert "OpenAICompatible" in logged[0]
