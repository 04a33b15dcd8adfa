"""Secrets of files and of a key vault: followed by a running server, and models that lack theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

from tests.fakes.key_vault import FakeVault, key_vault
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import llmproxy, wait_until
from tests.fakes.token_server import SECRET, token_server

RIGHT, WRONG = "sk-right-one-of-the-upstream", "sk-wrong-one-of-the-upstream"


@dataclass
class Setup:
    """A server whose models need secrets, and where these are."""

    proxy: LLMProxy
    folder: Path
    vault: FakeVault


@pytest.fixture(name="setup", scope="module")
def _setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    folder = tmp_path_factory.mktemp("secrets")
    files = folder / "files"
    for each in (files, folder / "tls"):
        each.mkdir()
    (files / "FILED_KEY").write_text(WRONG, "utf-8")
    simulator = Simulator("--api-key", RIGHT)
    with token_server() as tokens, key_vault(folder / "tls") as vault:
        vault.secrets["vaulted-key"] = (WRONG, "first-version")
        variables = {
            "LLMPROXY_SECRETS_DIR": str(files),
            "LLMPROXY_KEY_VAULT_URL": vault.url,
            "LLMPROXY_CA_FILE": str(vault.ca_file),
            "IDENTITY_ENDPOINT": tokens.url,
            "IDENTITY_HEADER": SECRET,
        }
        models = [
            upstream(name, simulator.url, parameters={"endpoint": simulator.url, "secret_name": f"{name.upper()}_KEY"})
            for name in ("filed", "vaulted", "missing")
        ]
        proxy = LLMProxy(folder, *models, variables=variables)
        yield Setup(proxy, files, vault)
        assert "internal error" not in proxy.logs()
        proxy.stop()
    simulator.stop()


def called(setup: Setup, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"api-key": setup.proxy.key}
    return httpx.post(f"{setup.proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def listed(setup: Setup) -> set[str]:
    client = openai.OpenAI(base_url=f"{setup.proxy.url}/v1", api_key=setup.proxy.key, max_retries=0)
    return {model.id for model in client.models.list()}


def test_a_model_without_its_secret_is_not_listed_and_not_retried_until_the_secret_is_there(setup: Setup) -> None:
    assert listed(setup) == {"filed", "vaulted"}
    client = openai.OpenAI(base_url=f"{setup.proxy.url}/v1", api_key=setup.proxy.key)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("missing")
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="missing", messages=[{"role": "user", "content": "hello"}])
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.code == "model_unavailable"
    assert "temporarily" not in caught.value.message
    (setup.folder / "MISSING_KEY").write_text(RIGHT + "\n", "utf-8")
    wait_until(lambda: listed(setup) == {"filed", "vaulted", "missing"}, what="the model in the list")
    assert called(setup, "missing").status_code == 200


def test_a_file_that_changes_is_read_again(setup: Setup) -> None:
    assert called(setup, "filed").json()["error"]["code"] == "upstream_credentials"
    new = setup.folder / "new"
    new.write_text(RIGHT, "utf-8")
    new.replace(setup.folder / "FILED_KEY")
    wait_until(lambda: called(setup, "filed").status_code == 200, what="the new secret")


def test_the_vault_is_asked_again_at_once_when_an_upstream_refuses_a_secret(setup: Setup) -> None:
    assert called(setup, "vaulted").json()["error"]["code"] == "upstream_credentials"
    setup.vault.secrets["vaulted-key"] = (RIGHT, "second-version")
    wait_until(lambda: called(setup, "vaulted").status_code == 200, 30, "the new secret")  # not after 5 minutes
    setup.vault.available = False
    assert called(setup, "vaulted").status_code == 200
    setup.vault.available = True


def test_the_doctor_shows_where_secrets_come_from_and_none_of_them(setup: Setup) -> None:
    output = setup.proxy.command("doctor", check=False)
    assert "vaulted-key" in output
    assert any(version in output for version in ("first-version", "second-version"))
    assert "FILED_KEY" in output
    setup.vault.available = False
    failed = llmproxy("doctor", "--json", env=setup.proxy.env, check=False)
    setup.vault.available = True
    checks = json.loads(failed.stdout)["checks"]
    assert any("key vault is unavailable" in json.dumps(check) for check in checks)
    assert failed.returncode == 1
    for text in (output, failed.stdout, setup.proxy.logs()):
        assert RIGHT not in text
        assert WRONG not in text
