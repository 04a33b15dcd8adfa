"""No secret and no content in any output: logs, pages, metrics, spans, alerts, files, and what commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.fakes.every_operation import EVERYTHING, PATHS, client_of, post
from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated, upstream
from tests.fakes.otlp_receiver import OtlpReceiver
from tests.fakes.processes import llmproxy, wait_until
from tests.fakes.recording_upstream import RecordingUpstream

PROMPT, ANSWER = "canary-prompt-4711", "canary-answer-4711"
FROM_ENVIRONMENT, IN_DOCUMENT = "canary-environment-secret-4711", "canary-document-secret-4711"
SIGNING, WEBHOOK = "canary-signing-secret-4711", "canary-webhook-secret-4711"
SPOKEN: dict[str, dict[str, object]] = {
    "chat/completions": {"messages": [{"role": "user", "content": PROMPT}]},
    "responses": {"input": PROMPT, "instructions": PROMPT},
    "embeddings": {"input": [PROMPT]},
    "audio/speech": {"input": PROMPT, "instructions": PROMPT},
}
"""Members of bodies that hold the prompt; those of other paths hold it in `prompt`."""
CONTENT_KEPT = "keeper"
"""The only project whose content is kept."""


@dataclass
class Outputs:
    """The texts that the system produced, by where they were found."""

    found: dict[str, bytes] = field(default_factory=dict)

    def places_of(self, canary: str) -> list[str]:
        return sorted(place for place, text in self.found.items() if canary.encode() in text)


@dataclass
class Scene:
    """A server that has seen everything, the keys of its callers, and its outputs."""

    proxy: LLMProxy
    keys: list[str]
    outputs: Outputs


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("canary")
    with OtlpReceiver() as collector, RecordingUpstream() as vendor, RecordingUpstream() as webhook:
        environment = {"secret_name": "CANARY_KEY", "endpoint": f"{vendor.url}/v1"}
        document = {"api_key": IN_DOCUMENT, "endpoint": f"{vendor.url}/v1"}
        proxy = LLMProxy(
            folder,
            simulated("sim", operations=EVERYTHING),
            upstream("env", vendor.url, parameters=environment),
            upstream("own", vendor.url, parameters=document),
            variables={
                "CANARY_KEY": FROM_ENVIRONMENT,
                "LLMPROXY_SIGNING_KEY": SIGNING,
                "LLMPROXY_ALERT_WEBHOOK": f"{webhook.url}/{WEBHOOK}",
                "LLMPROXY_ALERT_SECRET": SIGNING,
                "LLMPROXY_LOG_FILE": str(folder / "proxy.log"),
                "LLMPROXY_LOG_LEVEL": "DEBUG",
                "LLMPROXY_ACCESS_LOG": "true",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
                "OTEL_METRIC_EXPORT_INTERVAL": "500",
            },
        )
        proxy.command("projects", "set-budget", "tests", "0.000001", "--soft", "--alert-at", "0.5")
        keeper = proxy.create_key(CONTENT_KEPT)
        proxy.command("projects", "set-content", CONTENT_KEPT, "--log", "full")
        everything_that_happens(proxy, vendor, keeper)
        wait_until(lambda: any(b"canary-1" in body for body in collector.bodies), what="spans")
        wait_until(lambda: webhook.bodies, what="the alert")
        wait_until(lambda: list((folder / "data" / "content").glob("*/*.jsonl")), what="content")
        outputs = Outputs(pages(proxy) | commands(proxy, folder))
        proxy.stop()
        outputs.found |= {"stdout and stderr": proxy.logs().encode(), "spans": b"".join(collector.bodies)}
        outputs.found |= {"alerts": json.dumps([webhook.bodies, webhook.headers]).encode()}
        files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "models"]
        outputs.found |= {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        yield Scene(proxy, [proxy.key, keeper], outputs)


def everything_that_happens(proxy: LLMProxy, vendor: RecordingUpstream, keeper: str) -> None:
    """Make calls of every operation, whole and streamed, that succeed and fail in many ways."""
    messages = [{"role": "user", "content": PROMPT}]
    for key in (proxy.key, keeper):
        wait_until(lambda key=key: client_of(proxy, key).get("/models").status_code == 200, what="the key")
        with client_of(proxy, key) as client:
            for path in PATHS:
                for stream in (False, True):
                    post(client, path, "sim", **SPOKEN.get(path, {"prompt": PROMPT}), stream=stream)
            headers = {"x-request-id": "canary-1", "cookie": PROMPT, "x-api-key": key}
            for model in ("sim", "env", "own", "unknown"):
                for body in echoes():
                    vendor.status, vendor.answer = body
                    for stream in (False, True):
                        client.post(
                            "/chat/completions",
                            json={"model": model, "messages": messages, "stream": stream, "user": "someone"},
                            headers=headers,
                            params={"api_key": key, "q": PROMPT},
                        )
            client.post("/chat/completions", content=b'{"model": "sim", "messages": "' + PROMPT.encode())
            client.post("/chat/completions", json={"model": "sim", "messages": messages, PROMPT: 1, "MODEL": PROMPT})
            client.post("/chat/completions", json={"model": key, "messages": messages})
            client.post("/responses", json={"model": "sim", "input": PROMPT, "previous_response_id": PROMPT})
    httpx.get(f"{proxy.url}/debug/logs", headers={"x-api-key": f"{proxy.key}x"})
    with suppress(httpx.HTTPError):
        httpx.post(f"{proxy.url}/v1/chat/completions", headers={"authorization": f"Bearer {PROMPT}"}, json={})


def echoes() -> list[tuple[int, bytes]]:
    """Return answers that repeat the prompt and the keys, right and wrong."""
    told = f"key {FROM_ENVIRONMENT} or {IN_DOCUMENT} said {PROMPT} {ANSWER}"
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    whole = {"id": "1", "object": "chat.completion", "model": "m", "created": 1, **answer, "usage": usage}
    error = json.dumps({"error": {"message": told, "type": told, "code": told, "param": told, "inner": told}}).encode()
    return [
        (200, json.dumps(whole).encode()),
        *((status, error) for status in (400, 401, 429, 500)),
        (200, told.encode()),
    ]


def pages(proxy: LLMProxy) -> dict[str, bytes]:
    """Return every page that has no parameter, as the administrator sees it."""
    admin = {"authorization": f"Bearer {ADMIN_KEY}"}
    described = httpx.get(f"{proxy.url}/openapi.json").json()
    paths = [path for path, methods in described["paths"].items() if "get" in methods and "{" not in path]
    assert {"/health", "/metrics", "/debug/memory"} <= set(paths)
    paths += ["/openapi.json", "/docs", "/health?detailed=true", "/debug/memory?types=true", "/metrics?format=json"]
    return {path: httpx.get(f"{proxy.url}{path}", headers=admin).content for path in paths}


def commands(proxy: LLMProxy, folder: Path) -> dict[str, bytes]:
    """Return what commands print, and the files that they write."""
    exported = folder / "exported"
    exported.mkdir()
    found = {}
    for line in (
        "usage report --by project,model,key,user,day",
        "usage call canary-1 --json",
        "audit list --json",
        f"audit export {exported / 'audit.jsonl'}",
        f"catalog export {exported / 'catalog'}",
        "catalog history own",
        "keys list tests",
        "limits show tests",
        "explain --project tests --model own",
        "doctor",
    ):
        done = llmproxy(*line.split(), env=proxy.env, check=False)
        found[line.split(" /")[0]] = (done.stdout + done.stderr).encode()
    return found


@pytest.mark.parametrize("secret", [FROM_ENVIRONMENT, SIGNING, WEBHOOK, ADMIN_KEY])
def test_secrets_of_the_environment_are_nowhere(scene: Scene, secret: str) -> None:
    assert scene.outputs.places_of(secret) == []


def test_a_key_in_a_document_is_where_documents_are_and_nowhere_else(scene: Scene) -> None:
    places = scene.outputs.places_of(IN_DOCUMENT)
    assert places
    assert all(place.startswith("data/catalog.sqlite3") for place in places), places


def test_keys_of_callers_are_nowhere(scene: Scene) -> None:
    for key in scene.keys:
        assert scene.outputs.places_of(key) == []
        assert scene.outputs.places_of(key[len("sk-") + 6 :]) == []


@pytest.mark.parametrize("content", [PROMPT, ANSWER])
def test_content_is_where_a_project_keeps_it_and_nowhere_else(scene: Scene, content: str) -> None:
    places = scene.outputs.places_of(content)
    assert places
    assert all(place.startswith(f"data/content/{CONTENT_KEPT}/") for place in places), places


def test_the_outputs_are_there_to_be_searched(scene: Scene) -> None:
    found = scene.outputs.found
    assert b"canary-1" in found["stdout and stderr"]
    assert b"canary-1" in found["proxy.log"]
    assert b'"level": "debug"' in found["proxy.log"]
    assert b"llm_requests_total" in found["/metrics"]
    assert b"canary-1" in found["spans"]
    assert b"is spent" in found["alerts"] or b"budget" in found["alerts"]
    assert re.search(rb"env +", found["usage report --by project,model,key,user,day"])
    assert sum(map(len, found.values())) > 100_000
    kept = [text for place, text in found.items() if place.startswith("data/content/")]
    assert any(ANSWER.encode() in text for text in kept)
