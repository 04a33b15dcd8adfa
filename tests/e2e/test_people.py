"""Access and erasure: what names an end user is found, and its name removed from everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import llmproxy

USER = "person-4711-ünlü"


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("sim"))
    client = OpenAI(base_url=f"{made.url}/v1", api_key=made.key, max_retries=0)
    for user in (USER, "other", USER):
        client.chat.completions.create(model="sim", messages=[{"role": "user", "content": "hi"}], user=user)
    made.kill()  # lines may wait in the journal
    yield made
    made.stop()


def test_a_person_is_exported_and_erased_without_changing_sums(proxy: LLMProxy, tmp_path: Path) -> None:
    exported = tmp_path / "person.json"
    proxy.command("people", "export", USER, str(exported))
    body = json.loads(exported.read_text())
    assert [line["end_user"] for line in body["ledger"]] == [USER, USER]
    assert exported.stat().st_mode & 0o777 == 0o600
    before = proxy.usage("project")

    refused = llmproxy("people", "erase", USER, env=proxy.env, check=False)
    assert refused.returncode == 2
    erased = json.loads(proxy.command("people", "erase", USER, "--yes", "--json"))
    assert erased["lines"] == 2
    assert proxy.usage("project") == before
    assert {row["user"] for row in proxy.usage("user")} == {"other", erased["pseudonym"]}
    again = llmproxy("people", "erase", USER, "--yes", env=proxy.env, check=False)
    assert (again.returncode, again.stderr) == (1, "Error: nothing names this end user\n")

    entries = json.loads(proxy.command("audit", "list", "--action", "people erase", "--json"))
    assert [entry["outcome"] for entry in entries] == ["changed", "refused"]
    assert entries[0]["subject"] == f"person {erased['pseudonym']}"
    assert USER not in json.dumps(entries, ensure_ascii=False)
    proxy.stop()
    assert [
        path for path in (tmp_path / "data").rglob("*") if path.is_file() and USER.encode() in path.read_bytes()
    ] == []
