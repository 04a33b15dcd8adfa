"""Spans and metrics of the real server, as a collector receives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from openai import NotFoundError

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.fakes.processes import wait_until
from tests.fakes.traced_calls import KEY, PARENT, PROMPT, TRACE, chat, client, variables

SECONDS = tuple(0.01 * 2**n for n in range(14))
TOKENS = tuple(float(4**n) for n in range(14))
FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)

METRICS = {
    "gen_ai.client.inference.duration": ("s", SECONDS),
    "gen_ai.client.inference.time_to_first_chunk": ("s", SECONDS),
    "gen_ai.client.inference.time_per_output_chunk": ("s", SECONDS),
    "gen_ai.client.inference.usage.input_tokens": ("{token}", ()),
    "gen_ai.client.inference.usage.output_tokens": ("{token}", ()),
    "gen_ai.client.inference.operation.input_tokens": ("{token}", TOKENS),
    "gen_ai.client.inference.operation.output_tokens": ("{token}", TOKENS),
    "gen_ai.client.operation.duration": ("s", SECONDS),
    "gen_ai.server.request.duration": ("s", SECONDS),
    "gen_ai.server.time_to_first_token": ("s", FIRST),
    "gen_ai.server.time_per_output_token": ("s", PER_TOKEN),
}
"""Unit and bounds of each metric, as the conventions have them."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as made:
        yield made


@pytest.fixture(scope="module")
def upstreams() -> Iterator[Simulator]:
    made = Simulator("--tps", "200")  # slow enough for a stream of several chunks
    yield made
    made.stop()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, receiver: OtlpReceiver, upstreams: Simulator) -> Iterator[LLMProxy]:
    parameters = {"endpoint": upstreams.url, "model": "up-model", "api_key": KEY}
    made = LLMProxy(
        tmp_path_factory.mktemp("otel"),
        simulated("sim", operations=["ChatCompletion", "embeddings"]),
        upstream(
            "remote",
            upstreams.url,
            parameters=parameters,
            forward_headers=["traceparent", "x-own"],
            operations=["ChatCompletion", "Responses"],
        ),
        upstream("over", "http://127.0.0.1:1/v1", priority=0) | {"id": "over-1"},
        upstream("over", upstreams.url, priority=1) | {"id": "over-2"},
        variables=variables(receiver.url),
    )
    yield made
    made.stop()


def server_span(receiver: OtlpReceiver, request_id: str) -> ReceivedSpan:
    def found() -> list[ReceivedSpan]:
        return [span for span in receiver.spans if span.attributes.get("llmproxy.request_id") == request_id]

    wait_until(found, what=f"the span of {request_id}")
    (span,) = found()
    return span


def children(receiver: OtlpReceiver, span: ReceivedSpan) -> list[ReceivedSpan]:
    wait_until(lambda: any(each.parent_id == span.span_id for each in receiver.spans), what="client spans")
    return [each for each in receiver.spans if each.parent_id == span.span_id]


def test_a_call_is_a_server_span_in_the_callers_trace_with_a_client_span_that_the_upstream_continues(
    proxy: LLMProxy, receiver: OtlpReceiver, upstreams: Simulator
) -> None:
    chat(proxy, "remote", "trace-1", traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="a=b", **{"x-own": "1"})
    sent = upstreams.last()["headers"]
    span = server_span(receiver, "trace-1")
    (attempt,) = children(receiver, span)
    assert (span.name, span.kind, span.trace_id, span.parent_id) == (
        "POST /v1/chat/completions",
        "server",
        TRACE,
        PARENT,
    )
    assert (attempt.name, attempt.kind, attempt.trace_id) == ("chat up-model", "client", TRACE)
    assert (sent["traceparent"], sent["tracestate"]) == (f"00-{TRACE}-{attempt.span_id}-01", "a=b")
    assert sent["x-own"] == "1"

    (line,) = json.loads(proxy.command("usage", "call", "trace-1", "--json"))
    tokens = {f"gen_ai.usage.{kind}_tokens": line["usage"][f"{kind}_tokens"] for kind in ("input", "output")}
    assert min(tokens.values()) > 0
    assert attempt.attributes == tokens | {
        "service.name": "the-proxy",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai_compatible",
        "gen_ai.request.model": "up-model",
        "llmproxy.deployment": "remote",
        "http.response.status_code": 200,
    }
    assert span.attributes == tokens | {
        "service.name": "the-proxy",
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "url.path": "/v1/chat/completions",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "llmproxy.request_id": "trace-1",
        "llmproxy.project": "tests",
        "llmproxy.deployment": "remote",
        "llmproxy.attempts": 1,
        "llmproxy.cost": pytest.approx(float(line["cost"])),
        "llmproxy.currency": "USD",
        "gen_ai.request.model": "remote",
    }
    assert 0 < attempt.seconds <= span.seconds

    wait_until(lambda: '"trace-1"' in proxy.logs(), what="the access line")
    (logged,) = [json.loads(text) for text in proxy.logs().splitlines() if '"trace-1"' in text]
    assert (logged["trace_id"], logged["span_id"]) == (TRACE, span.span_id)


def test_each_attempt_is_a_span_of_its_own(proxy: LLMProxy, receiver: OtlpReceiver) -> None:
    chat(proxy, "over", "attempts-1")
    span = server_span(receiver, "attempts-1")
    first, second = sorted(children(receiver, span), key=lambda each: str(each.attributes["llmproxy.deployment"]))
    assert (first.failed, first.attributes["error.type"]) == (True, "upstream_unreachable")
    assert (second.failed, second.attributes["http.response.status_code"]) == (False, 200)
    assert (span.failed, span.attributes["llmproxy.attempts"]) == (False, 2)
    assert span.parent_id == ""


@pytest.mark.parametrize(("model", "status"), [("unknown", 404), ("over", 200)])
def test_refused_calls_have_a_server_span_only(
    proxy: LLMProxy, receiver: OtlpReceiver, model: str, status: int
) -> None:
    request_id = f"refused-{model}"
    with suppress(Exception):
        chat(proxy, model, request_id)
    span = server_span(receiver, request_id)
    assert (span.attributes["http.response.status_code"], span.failed) == (status, False)
    assert any(each.parent_id == span.span_id for each in receiver.spans) is (status == 200)


def test_streams_and_metrics_follow_the_conventions(proxy: LLMProxy, receiver: OtlpReceiver) -> None:
    stream = client(proxy).chat.completions.create(
        model="remote",
        messages=[{"role": "user", "content": PROMPT}],
        stream=True,
        extra_headers={"x-request-id": "stream-1"},
    )
    assert len(list(stream)) > 2
    client(proxy).embeddings.create(model="sim", input=[PROMPT], extra_headers={"x-request-id": "embed-1"})
    (attempt,) = children(receiver, server_span(receiver, "stream-1"))
    assert attempt.attributes["gen_ai.request.stream"] is True
    assert 0 < attempt.attributes["gen_ai.response.time_to_first_chunk"] <= attempt.seconds
    (embedding,) = children(receiver, server_span(receiver, "embed-1"))
    assert embedding.name == "embeddings sim"

    wait_until(lambda: receiver.points.keys() >= METRICS.keys(), what="the metrics")
    assert receiver.points.keys() == METRICS.keys()
    for name, (unit, bounds) in METRICS.items():
        for point in receiver.points[name]:
            assert point.unit == unit, name
            assert point.bounds == pytest.approx(bounds), name
            assert {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"} <= point.attributes.keys()
            assert point.attributes.keys() <= {
                *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "error.type")
            }
            expected = {"embeddings"} if name == "gen_ai.client.operation.duration" else {"chat", "embeddings"}
            assert point.attributes["gen_ai.operation.name"] in expected, name


def test_requests_about_stored_responses_have_client_spans(
    proxy: LLMProxy, receiver: OtlpReceiver, upstreams: Simulator
) -> None:
    responses = client(proxy).responses
    made = responses.create(model="remote", input=PROMPT, background=True, stream=True)
    kept = next(event.response.id for event in made if event.type == "response.created")

    def spans(request_id: str, action: str) -> list[ReceivedSpan]:
        found = children(receiver, server_span(receiver, request_id))
        assert [(span.name, span.kind) for span in found] == [(f"{action}_response up-model", "client")]
        return found

    list(responses.retrieve(kept, stream=True, extra_headers={"x-request-id": "resume-1"}))
    spans("resume-1", "retrieve")
    traced = {"x-request-id": "delete-1", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    responses.delete(kept, extra_headers=traced)
    sent = upstreams.last()["headers"]
    (deletion,) = spans("delete-1", "delete")
    assert sent["traceparent"] == f"00-{TRACE}-{deletion.span_id}-01"
    assert deletion.attributes == {
        "service.name": "the-proxy",
        "gen_ai.provider.name": "openai_compatible",
        "gen_ai.request.model": "up-model",
        "llmproxy.deployment": "remote",
        "http.response.status_code": 200,
    }
    with suppress(NotFoundError):
        responses.retrieve(kept, extra_headers={"x-request-id": "gone-1"})
    (missing,) = spans("gone-1", "retrieve")
    assert (missing.failed, missing.attributes["http.response.status_code"]) == (True, 404)


def test_the_collector_sees_no_content_and_no_secret(proxy: LLMProxy, receiver: OtlpReceiver) -> None:
    chat(proxy, "remote", "secret-1")
    server_span(receiver, "secret-1")
    received = b"".join(receiver.bodies)
    assert b"the-proxy" in received
    for secret in (PROMPT, KEY, proxy.key, "Bearer"):
        assert secret.encode() not in received
