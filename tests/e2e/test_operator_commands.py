"""Failing deployments, live calls, and servers that follow a change, as operators see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import llmproxy, llmproxy_json, wait_until

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def failing() -> Iterator[Simulator]:
    simulator = Simulator("--status", "503")
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, failing: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("operator"),
        upstream("shared", failing.url, id="first", priority=0),
        simulated("shared", id="second", priority=1),
        simulated("vectors", operations=["embeddings"]),
        simulated("speech", operations=["audio_tts"]),
    )
    yield made
    made.stop()


def test_failed_first_attempts_are_counted_and_logged_once_a_minute(proxy: LLMProxy) -> None:
    for _ in range(3):
        answer = httpx.post(
            f"{proxy.url}/v1/chat/completions",
            json={"model": "shared", "messages": MESSAGES},
            headers={"authorization": f"Bearer {proxy.key}"},
            timeout=30,
        )
        assert answer.status_code == 200, "the caller does not notice"
    providers = httpx.get(f"{proxy.url}/health", params={"detailed": "true"}).json()["providers"]
    assert providers["failed_attempts"] == 3
    rows = json.loads(proxy.command("explain", "--project", "tests", "--model", "shared", "--url", proxy.url, "--json"))
    assert {one["id"]: one["priority"] for one in rows["deployments"]} == {"first": 0, "second": 1}
    assert {name: state["failed_attempts"] for name, state in rows["live"].items()} == {"first": 3, "second": 0}
    wait_until(lambda: "calls of a deployment failed" in proxy.running.output(), what="the warning")
    warnings = [line for line in proxy.running.output().splitlines() if "calls of a deployment failed" in line]
    assert len(warnings) == 1
    assert "first" in warnings[0]


def test_doctor_makes_the_smallest_call_of_each_deployment(proxy: LLMProxy) -> None:
    refused = llmproxy("doctor", "--live", "shared", env=proxy.env, check=False)
    assert (refused.returncode, "--yes" in refused.stderr) == (1, True), "nobody can be asked"
    found = llmproxy("doctor", "--live", "shared", "--yes", "--json", env=proxy.env, check=False)
    assert found.returncode == 1
    live = {
        one["subject"]: (one["verdict"], one["text"])
        for one in json.loads(found.stdout)["checks"]
        if one["subject"].startswith("live ")
    }
    assert {subject: verdict for subject, (verdict, _) in live.items()} == {"live first": "fail", "live second": "ok"}
    assert live["live first"][1].startswith("overloaded: ")
    assert "input tokens" in live["live second"][1]
    rows = llmproxy_json("usage", "report", "--by", "project,model", "--filter", "project=health-probes", env=proxy.env)
    assert [(row["model"], row["calls"]) for row in rows["rows"]] == [("shared", 2)]
    for model, text in (("vectors", "embeddings answered"), ("speech", "none was made")):
        assert text in llmproxy("doctor", "--live", model, "--yes", env=proxy.env).stdout
    unknown = llmproxy("doctor", "--live", "shard", "--yes", env=proxy.env, check=False)
    assert (unknown.returncode, "did you mean 'shared'?" in unknown.stdout) == (1, True)


def test_apply_waits_for_the_server(proxy: LLMProxy, tmp_path: Path) -> None:
    file = tmp_path / "third.json"
    file.write_text(json.dumps(simulated("third")))
    done = llmproxy("catalog", "apply", str(file), "--wait", "--url", proxy.url, env=proxy.env)
    assert f"{proxy.url} follows" in done.stderr
    headers = {"authorization": f"Bearer {proxy.key}"}
    models = httpx.get(f"{proxy.url}/v1/models", headers=headers).json()["data"]
    assert "third" in {model["id"] for model in models}, "at once: it has followed"
    file.write_text(json.dumps(simulated("third", name="renamed")))
    assert "running servers follow within 0.6 s" in llmproxy("catalog", "apply", str(file), env=proxy.env).stderr
    nobody = llmproxy(
        "catalog", "apply", str(file), "--wait", "--url", "http://127.0.0.1:9", env=proxy.env, check=False
    )
    assert (nobody.returncode, "no server was asked" in nobody.stderr) == (1, True)
