"""Whoever edits documents gets neither tokens of the machine nor secrets that are meant for another host."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import Simulator, upstream
from tests.fakes.token_server import TokenServer, token_server
from tests.security.conftest import Victim

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
AZURE = {"model_type": "AzureOpenAI", "provider": "Azure"}
VERTEX = {"model_type": "GoogleVertex", "provider": "Google"}


@pytest.fixture(scope="module")
def tokens() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


@pytest.fixture(scope="module")
def other() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def edited(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, other: Simulator, tokens: TokenServer
) -> Iterator[Victim]:
    made = Victim(
        tmp_path_factory.mktemp("edited"),
        upstream("azure", "", parameters={"endpoint": simulator.base_url}, **AZURE),
        upstream(
            "vertex", "", parameters={"endpoint": simulator.base_url, "gcp_project": "p", "location": "l"}, **VERTEX
        ),
        upstream("bound", "", parameters={"endpoint": simulator.url, "secret_name": "BOUND_KEY"}),
        upstream("moved", "", parameters={"endpoint": other.url, "secret_name": "BOUND_KEY"}),
        upstream("smuggled", "", parameters={"endpoint": other.url, "user": "BOUND_KEY"}),
        upstream("inline", "", parameters={"endpoint": simulator.url, "api_key": "sk-inline-key"}),
        variables={
            "IDENTITY_ENDPOINT": tokens.url,
            "IDENTITY_HEADER": "let-me-in",
            "BOUND_KEY": "sk-bound-to-a-host",
            "LLMPROXY_SECRET_HOSTS": f"BOUND_KEY={simulator.base_url}",
        },
    )
    yield made
    made.stop()


def ask(edited: Victim, model: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {edited.key}"}
    return httpx.post(f"{edited.url}/v1/chat/completions", json={"model": model} | CHAT, headers=headers, timeout=60)


@pytest.mark.parametrize("model", ["azure", "vertex"])
def test_tokens_of_the_machine_go_to_no_other_host(edited: Victim, simulator: Simulator, model: str) -> None:
    simulator.reset()
    answer = ask(edited, model)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_unavailable")
    assert simulator.operations() == {}
    assert "LLMPROXY_IDENTITY_HOSTS" in json.dumps(edited.health())


@pytest.mark.parametrize("model", ["moved", "smuggled"])
def test_a_secret_goes_to_its_own_host_only(edited: Victim, other: Simulator, model: str) -> None:
    assert ask(edited, "bound").status_code == 200
    assert ask(edited, model).status_code == 503
    assert other.operations() == {}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "OTEL_EXPORTER_OTLP_HEADERS", "COSMOS-KEY"])
@pytest.mark.parametrize("member", ["secret_name", "api_key"])
def test_variables_of_the_proxy_itself_cannot_be_named(edited: Victim, tmp_path: Path, name: str, member: str) -> None:
    document = upstream(
        "bad", "", parameters={"endpoint": "https://evil.example", "secret_name": name} | {member: name}
    )
    (tmp_path / "bad.json").write_text(json.dumps(document), "utf-8")
    assert "names a setting of the proxy itself" in edited.command("catalog", "validate", str(tmp_path), check=False)


def test_exports_hold_no_key_and_belong_to_their_owner(edited: Victim, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    edited.command("catalog", "export", str(folder))
    text = (folder / "inline.json").read_text("utf-8")
    assert "sk-inline-key" not in text
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    edited.command("catalog", "apply", str(folder))  # changes nothing: the store keeps the key
    assert ask(edited, "inline").status_code == 200
    (folder / "inline.json").write_text(text.replace('"inline"', '"new"'), "utf-8")
    refused = edited.command("catalog", "apply", str(folder), check=False)
    assert "masked" in refused
