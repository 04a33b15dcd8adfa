"""Exporters of telemetry where something is missing, and Application Insights."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.otlp_receiver import OtlpReceiver
from tests.fakes.processes import llmproxy, wait_until
from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.traced_calls import PARENT, PROMPT, TRACE, chat, variables


def test_a_dead_collector_costs_a_counter_and_no_call(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"  # no server listens there
        dead = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1", **variables(url), "LLMPROXY_OTEL_OLDER_NAMES": "true"}
        proxy = LLMProxy(tmp_path, simulated("sim"), variables=dead)
        for number in range(20):
            chat(proxy, "sim", f"dead-{number}")
        wait_until(lambda: failures(proxy) > 0, what="the counter")
        assert proxy.stop() == 0
    assert proxy.logs().count("telemetry cannot be exported") == 1
    assert "Traceback" not in proxy.logs()
    assert url not in proxy.logs()


def failures(proxy: LLMProxy) -> float:
    for line in httpx.get(f"{proxy.url}/metrics").text.splitlines():
        if line.startswith("llm_proxy_telemetry_export_failures "):
            return float(line.split()[1])
    raise AssertionError("the metric is missing")


def test_older_names_are_added_where_they_are_asked_for(tmp_path: Path) -> None:
    with OtlpReceiver() as receiver:
        older = {**variables(receiver.url), "LLMPROXY_OTEL_OLDER_NAMES": "true"}
        proxy = LLMProxy(tmp_path, simulated("sim"), variables=older)
        chat(proxy, "sim", "older-1")
        wait_until(lambda: "gen_ai.client.token.usage" in receiver.points, what="the metric")
        proxy.stop()
    tokens = {point.attributes["gen_ai.token.type"]: point for point in receiver.points["gen_ai.client.token.usage"]}
    assert tokens.keys() == {"input", "output"}
    assert {point.unit for point in tokens.values()} == {"{token}"}
    assert tokens["output"].value > 0
    assert len(tokens["output"].bounds) == 14
    (duration,) = receiver.points["gen_ai.client.operation.duration"]
    assert duration.attributes["gen_ai.operation.name"] == "chat"
    assert receiver.points["gen_ai.client.inference.duration"][0].count == 1


def test_a_trace_continues_at_vendors_behind_litellm(tmp_path: Path) -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}
    rest = {"model": "claude-x", "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}}
    with OtlpReceiver() as receiver, RecordingUpstream() as vendor:
        vendor.send_json(message | rest)
        parameters = {"endpoint": vendor.url, "api_key": "k", "model": "claude-x"}
        document = upstream("claude", vendor.url, model_type="Anthropic", parameters=parameters)
        proxy = LLMProxy(tmp_path, document, variables=variables(receiver.url))
        chat(proxy, "claude", "claude-1", traceparent=f"00-{TRACE}-{PARENT}-01")
        wait_until(lambda: receiver.named("chat claude-x", "client"), what="the span")
        proxy.stop()
    (span,) = receiver.named("chat claude-x", "client")
    assert vendor.headers[-1]["traceparent"] == f"00-{TRACE}-{span.span_id}-01"
    assert span.attributes["gen_ai.provider.name"] == "anthropic"
    assert span.attributes["gen_ai.usage.output_tokens"] == 2


def test_nothing_is_imported_where_nothing_is_configured(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from llmproxy.settings import Settings\n"
        "from llmproxy.wiring import open_product\n"
        "async def main():\n"
        "    async with open_product(Settings(), {}): pass\n"
        "asyncio.run(main())\n"
        "print(sorted(name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'azure.monitor'))))\n"
    )
    env = LLMProxy.environment_of(tmp_path, {})
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == "[]\n"


def test_what_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    env = LLMProxy.environment_of(tmp_path, variables("http://127.0.0.1:1"))
    done = llmproxy("serve", "--port", "0", env=env | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf\n")


def test_application_insights_gets_the_same_spans(tmp_path: Path) -> None:
    with OtlpReceiver() as receiver:
        key = "00000000-0000-0000-0000-0000000000aa"
        connection = f"InstrumentationKey={key};IngestionEndpoint={receiver.url}/"
        configured = {"APPLICATIONINSIGHTS_CONNECTION_STRING": connection, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        proxy = LLMProxy(tmp_path, simulated("sim"), variables=configured)
        chat(proxy, "sim", "insights-1", traceparent=f"00-{TRACE}-{PARENT}-01")
        wait_until(lambda: {"RequestData", "RemoteDependencyData"} <= kinds(receiver), what="both envelopes")
        proxy.stop()
    spans = [each for each in receiver.tracked if each["data"]["baseType"] in {"RequestData", "RemoteDependencyData"}]
    assert {each["iKey"] for each in spans} == {key}
    assert {each["tags"]["ai.operation.id"] for each in spans} == {TRACE}
    assert PROMPT not in json.dumps(receiver.tracked)
    assert key not in proxy.logs()


def kinds(receiver: OtlpReceiver) -> set[str]:
    return {envelope["data"]["baseType"] for envelope in receiver.tracked}
