"""Work of operators and project owners against a running server."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from domain.operation import Endpoint
from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated
from tests.fakes.processes import llmproxy, wait_until
from tests.tools import ROOT

MESSAGES = [{"role": "user", "content": "hi"}]
VISIBLE_WITHIN = 5
"""Seconds in which a running server shows a change; a promise to operators."""

SECRETS = {
    "OPENAI_API_KEY": "sk-made-up",
    "AZURE_OPENAI_API_KEY": "made-up",
    "GOOGLE_SERVICE_ACCOUNT": '{"type": "service_account"}',
}
"""Secrets of the examples: a model without its own is not listed."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("first"), variables=SECRETS)
    yield made
    made.stop()


def call(proxy: LLMProxy, model: str, key: str | None = None, **members: object) -> httpx.Response:
    return httpx.post(
        f"{proxy.url}/v1/chat/completions",
        json={"model": model, "messages": MESSAGES} | members,
        headers={"authorization": f"Bearer {key or proxy.key}"},
        timeout=30,
    )


def models(proxy: LLMProxy, key: str | None = None) -> list[str]:
    answer = httpx.get(f"{proxy.url}/v1/models", headers={"authorization": f"Bearer {key or proxy.key}"})
    return [model["id"] for model in answer.raise_for_status().json()["data"]]


def test_a_new_document_serves_without_a_restart_and_without_dropping_a_stream(proxy: LLMProxy) -> None:
    lines: list[str] = []

    def listen() -> None:
        body = {"model": "first", "messages": MESSAGES, "stream": True, "simulator": {"tokens": 60, "tps": 20}}
        headers = {"authorization": f"Bearer {proxy.key}"}
        with httpx.stream("POST", f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30) as answer:
            lines.extend(line for line in answer.iter_lines() if line)

    listener = threading.Thread(target=listen)
    listener.start()
    wait_until(lambda: lines, 10, "the first event")
    assert call(proxy, "second").status_code == 404
    proxy.apply(simulated("first", name="renamed"), simulated("second"))
    wait_until(lambda: call(proxy, "second").status_code == 200, VISIBLE_WITHIN, "the new model")
    assert models(proxy) == ["first", "second"]
    listener.join(30)
    assert lines[-1] == "data: [DONE]"
    assert sum('"content":' in line for line in lines) >= 60


def test_a_price_change_counts_from_then_on(proxy: LLMProxy) -> None:
    assert call(proxy, "first", simulator={"tokens": 10}).status_code == 200
    wait_until(proxy.usage, 5, "the first line")
    (before,) = proxy.usage()
    dearer = {"currency": "EUR", "cost_input_1Mtokens": 0, "cost_output_1Mtokens": 100}
    proxy.apply(simulated("first", costs=dearer))

    def charged_in_euros() -> bool:
        call(proxy, "first", simulator={"tokens": 10})
        return any(row["currency"] == "EUR" for row in proxy.usage())

    wait_until(charged_in_euros, VISIBLE_WITHIN + 5, "the new price")
    rows = {row["currency"]: row for row in proxy.usage()}
    assert rows["EUR"]["cost"] == str(rows["EUR"]["calls"] / 1000).rstrip("0")
    assert rows["USD"]["cost"].startswith(before["cost"][:5]) or rows["USD"]["calls"] > before["calls"]


def test_one_bad_document_is_left_out_with_its_reason_and_the_others_serve(proxy: LLMProxy) -> None:
    broken = json.dumps(simulated("broken", operations="ChatCompletion", model_type="Nonsense"))
    store = sqlite3.connect(Path(proxy.env["DATA_DIR"]) / "catalog.sqlite3")
    with store:
        for document_id, body in (("broken", broken), ("text", '"just a text"'), ("torn", '{"id": "torn"')):
            store.execute(
                "INSERT INTO documents (kind, id, body, version) VALUES ('model', ?, ?, 'by-hand')", (document_id, body)
            )
    store.close()

    def left_out() -> dict[str, str]:
        return {entry["id"]: entry["reason"] for entry in proxy.health()["catalogue"]["left_out"]}

    wait_until(lambda: set(left_out()) == {"broken", "text", "torn"}, VISIBLE_WITHIN, "the reasons")
    assert "Nonsense" in left_out()["broken"]
    assert call(proxy, "first").status_code == 200
    assert call(proxy, "broken").status_code == 404
    doctor = llmproxy("doctor", env=proxy.env, check=False)
    assert doctor.returncode == 1
    assert "Nonsense" in doctor.stdout


def test_a_missing_secret_makes_one_document_unusable(proxy: LLMProxy) -> None:
    needs_key = simulated("needs-key", model_type="OpenAI", parameters={"secret_name": "NOT_SET_ANYWHERE"})
    proxy.apply(simulated("first"), needs_key)
    wait_until(lambda: proxy.health()["catalogue"]["left_out"], VISIBLE_WITHIN, "the document")
    assert "needs-key" not in models(proxy)
    answer = call(proxy, "needs-key")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_unavailable")
    assert "NOT_SET_ANYWHERE" not in answer.text
    (entry,) = proxy.health()["catalogue"]["left_out"]
    assert (entry["id"], "NOT_SET_ANYWHERE" in entry["reason"]) == ("needs-key", True)
    assert call(proxy, "first").status_code == 200


@pytest.mark.parametrize("name", ["LLMPROXY_DEMO_KEY", "COSMOS_KEY", "DATA_DIR"])
def test_no_document_can_read_the_proxys_own_settings(proxy: LLMProxy, name: str) -> None:
    folder = Path(proxy.env["DATA_DIR"]).parent / "bad"
    folder.mkdir()
    document = simulated("thief", model_type="OpenAI", parameters={"secret_name": name})
    (folder / "thief.json").write_text(json.dumps(document), encoding="utf-8")
    refused = llmproxy("catalog", "apply", str(folder), env=proxy.env, check=False)
    assert refused.returncode == 1
    assert "parameters.secret_name" in refused.stdout + refused.stderr


def test_apply_and_export_are_each_others_inverse(proxy: LLMProxy, tmp_path: Path) -> None:
    written = simulated("kept", costs={"input": 0.000123, "output": 1}, notes={"owner": ["a", 1.50, None]})
    proxy.apply(simulated("first"), written)
    proxy.command("catalog", "export", str(tmp_path / "out"))
    exported = json.loads((tmp_path / "out" / "kept.json").read_text(encoding="utf-8"))
    assert exported == written
    again = proxy.command("catalog", "apply", str(tmp_path / "out"))
    assert "0 added, 0 changed, 2 unchanged" in again


def test_the_examples_of_every_operation_are_without_a_fault_and_priced_as_listed(proxy: LLMProxy) -> None:
    examples = str(ROOT / "deploy/examples/operations")
    checked = proxy.command("catalog", "validate", examples, "--prices", "--strict", "--json")
    compared = json.loads(checked)["prices"]["documents"]
    assert [one["id"] for one in compared if not one["exact"]] == []
    proxy.command("catalog", "apply", examples)
    wait_until(lambda: len(models(proxy)) == len(compared) + 1, VISIBLE_WITHIN, "the examples")
    answer = httpx.get(f"{proxy.url}/v1/models", headers={"authorization": f"Bearer {proxy.key}"})
    listed = [model for model in answer.json()["data"] if model["id"] != "first"]
    assert all(model["prices"] for model in listed)
    assert {endpoint for model in listed for endpoint in model["endpoints"]} == {f"/v1/{each}" for each in Endpoint}


def test_a_private_model_exists_for_its_projects_only(proxy: LLMProxy) -> None:
    insider = proxy.create_key("insiders")
    proxy.apply(simulated("first"), simulated("secret", private=True, projects=["insiders"]))
    wait_until(lambda: call(proxy, "secret", insider).status_code == 200, VISIBLE_WITHIN, "the private model")
    assert models(proxy, insider) == ["first", "secret"]
    assert models(proxy) == ["first"]
    assert call(proxy, "secret").status_code == 404


def test_keys_are_shown_once_and_can_be_revoked(proxy: LLMProxy) -> None:
    key = proxy.create_key("billing")
    assert key.startswith("sk-")
    wait_until(lambda: call(proxy, "first", key).status_code == 200, VISIBLE_WITHIN, "the new key")
    data = Path(proxy.env["DATA_DIR"])
    assert all(key.encode() not in file.read_bytes() for file in data.rglob("*") if file.is_file())
    listed = proxy.command("keys", "list", "billing")
    assert key not in listed
    proxy.command("keys", "revoke", "billing", "test")
    wait_until(lambda: call(proxy, "first", key).status_code == 401, VISIBLE_WITHIN, "the revocation")
    assert call(proxy, "first").status_code == 200


def test_an_expired_key_opens_nothing(proxy: LLMProxy) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=4)
    key = proxy.create_key(PROJECT, "--expires", soon.isoformat())
    wait_until(lambda: call(proxy, "first", key).status_code == 200, VISIBLE_WITHIN, "the key")
    wait_until(lambda: "expired" in call(proxy, "first", key).text, 10, "its end")
    assert call(proxy, "first", key).status_code == 401


def test_wrong_settings_stop_the_start_with_one_line(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin", "PYTHONPATH": ".", "DATA_DIR": str(tmp_path)}
    for wrong, says in (
        ({"LLMPROXY_NO_SUCH_THING": "1"}, "LLMPROXY_NO_SUCH_THING"),
        ({"PORT": "many"}, "PORT"),
        ({"LLMPROXY_BODY_TIMEOUT": "-1"}, "LLMPROXY_BODY_TIMEOUT"),
        ({"AUTH": "off", "ENVIRONMENT": "production"}, "AUTH"),
    ):
        done = llmproxy("serve", env=env | wrong, check=False)
        assert done.returncode in {1, 2}
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
