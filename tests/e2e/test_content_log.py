"""Content of calls: kept for projects that ask for it, in their own store, and for no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import wait_until

OPERATIONS = ["ChatCompletion", "Responses", "audio_tts", "audio_stt"]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path_factory.mktemp("content"), simulated("sim", operations=OPERATIONS))
    made.command("projects", "set-content", "tests", "--log", "full", "--redact", "email", "--retention-days", "2")
    made.command("projects", "create", "facts")
    made.command("projects", "set-content", "facts", "--log", "metadata")
    wait_until(lambda: ask(made, made.key, "ready") and records(made), what="the new documents in service")
    yield made
    made.stop()


def ask(proxy: LLMProxy, key: str, text: str, **options: Any) -> str:
    client = OpenAI(base_url=f"{proxy.url}/v1", api_key=key, max_retries=0)
    messages: Any = [{"role": "user", "content": text}]
    made = client.chat.completions.with_raw_response.create(model="sim", messages=messages, **options)
    if options.get("stream"):
        assert len(list(made.parse())) > 1
    return str(made.headers["x-request-id"])


def in_service(proxy: LLMProxy, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{proxy.url}/v1/models", headers=headers).status_code == 200


def records(proxy: LLMProxy) -> list[dict[str, Any]]:
    folder = Path(proxy.env["DATA_DIR"]) / "content"
    return [json.loads(line) for path in folder.glob("*/*.jsonl") for line in path.read_text().splitlines()]


def kept(proxy: LLMProxy, request_id: str) -> list[dict[str, Any]]:
    return [one for one in records(proxy) if one["call"]["request_id"] == request_id]


def the_record(proxy: LLMProxy, request_id: str) -> dict[str, Any]:
    wait_until(lambda: kept(proxy, request_id), what="the record")
    (found,) = kept(proxy, request_id)
    return found


@pytest.mark.parametrize("stream", [False, True])
def test_request_and_response_are_kept_and_redacted(proxy: LLMProxy, *, stream: bool) -> None:
    request_id = ask(proxy, proxy.key, "write to bob@example.com with sk-0123456789abcdef", stream=stream, user="u-1")
    found = the_record(proxy, request_id)
    body = json.loads(found["request"])
    assert body["messages"] == [{"role": "user", "content": "write to [email] with [key]"}]
    assert ("data: [DONE]" in found["response"]) is stream
    assert "choices" in found["response"]
    assert (found["project"], found["end_user"], found["retention_days"], found["truncated"]) == (
        "tests",
        "u-1",
        2,
        False,
    )
    assert found["call"]["usage"]["output_tokens"] > 0
    (line,) = json.loads(proxy.command("usage", "call", request_id, "--json"))
    assert found["id"] == line["id"]


def test_facts_only_and_nothing_at_all(proxy: LLMProxy) -> None:
    keys = [proxy.create_key(project) for project in ("facts", "nothing")]
    wait_until(lambda: all(in_service(proxy, key) for key in keys), what="the keys")
    facts, other = (ask(proxy, key, "a secret prompt") for key in keys)
    found = the_record(proxy, facts)
    assert (found["request"], found["response"], found["call"]["status"]) == (None, None, 200)
    assert kept(proxy, other) == []
    assert "a secret prompt" not in json.dumps(records(proxy))


def test_of_forms_and_audio_only_facts_are_kept(proxy: LLMProxy) -> None:
    client = OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    speech = client.audio.speech.with_raw_response.create(model="sim", voice="alloy", input="Hi", response_format="wav")
    spoken = the_record(proxy, speech.headers["x-request-id"])
    assert spoken["response"] == f"({len(speech.content)} bytes that are not text)"
    heard = client.audio.transcriptions.with_raw_response.create(model="sim", file=("a.wav", speech.content))
    form = the_record(proxy, heard.headers["x-request-id"])
    assert {"name": "file", "filename": "a.wav", "bytes": len(speech.content)} in json.loads(form["request"])


def test_a_large_body_is_cut(proxy: LLMProxy) -> None:
    found = the_record(proxy, ask(proxy, proxy.key, "x" * 600_000))
    assert (len(found["request"]), found["truncated"]) == (512 * 1024, True)


def test_content_is_exported_and_erased_with_a_person(proxy: LLMProxy, tmp_path: Path) -> None:
    the_record(proxy, ask(proxy, proxy.key, "personal", user="person-1"))
    exported = tmp_path / "person.json"
    proxy.command("people", "export", "person-1", str(exported))
    (found,) = json.loads(exported.read_text())["content"]
    assert "personal" in found["request"]
    erased = json.loads(proxy.command("people", "erase", "person-1", "--yes", "--json"))
    assert (erased["lines"], erased["records"]) == (1, 1)
    assert "personal" not in json.dumps(records(proxy))


def test_nothing_was_dropped(proxy: LLMProxy) -> None:
    assert "llm_proxy_content_records_dropped 0.0" in httpx.get(f"{proxy.url}/metrics").text
