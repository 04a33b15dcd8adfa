"""``llmproxy explain`` on a real store."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.admin.keys import create_key
from application.admin.projects import create_project
from application.ports.catalog_store import Kind
from infra.catalog_store.sqlite import SqliteCatalogStore
from tests.builders import model_body
from tests.integration.cli.conftest import ROOT, Command

VENDOR = {"VENDOR_API_KEY": "hunter2-secret"}


@pytest.fixture
async def key(data_dir: Path) -> str:
    """Fill a store with some models and a project; return the project's key."""
    bodies = [
        model_body(id="big", code="chat", weight=3),
        model_body(
            id="vendor", code="chat", model_type="OpenAI", priority=1, parameters={"secret_name": "VENDOR_API_KEY"}
        ),
        model_body(id="closed", code="closed", private=True, projects=["other"]),
        model_body(id="words", code="words", operations=["embeddings"]),
    ]
    store = SqliteCatalogStore(data_dir / "catalog.sqlite3")
    await store.prepare()
    for body in bodies:
        await store.put(Kind.MODEL, body)
    await create_project(store, "billing")
    key, _ = await create_key(store, "billing", "ci", now=datetime.now(UTC), random_bytes=os.urandom)
    await store.close()
    return key


def test_an_allowed_call(llmproxy: Command, key: str) -> None:
    done = llmproxy("explain", "--key-env", "MY_KEY", "--model", "chat", MY_KEY=key, **VENDOR)
    assert done.code == 0, done.out + done.err
    assert "\nallowed\n" in done.out
    big, vendor = [line.split() for line in done.out.splitlines() if line.lstrip().startswith(("1  ", "2  "))]
    assert big[:6] == ["1", "big", "0", "100.0", "%", "simulator"]
    assert vendor[:7] == ["2", "vendor", "1", "100.0", "%", "openai_wire", "chat"]
    assert "VENDOR_API_KEY is set" in done.out
    assert "0.0125 USD" in done.out
    assert key not in done.out + done.err
    assert "hunter2" not in done.out + done.err


async def test_the_cost_of_an_operation_is_that_of_a_call_of_its_own(llmproxy: Command, data_dir: Path) -> None:
    store = SqliteCatalogStore(data_dir / "catalog.sqlite3")
    await store.prepare()
    by_unit = {"cost_1Mcharacters": 15, "cost_minute": "0.006", "cost_image": {"1024x1024": "0.04"}}
    operations = ["audio_tts", "audio_stt", "images", "embeddings"]
    await store.put(Kind.MODEL, model_body(costs={"cost_input_1Mtokens": 2, **by_unit}, operations=operations))
    await create_project(store, "billing")
    await store.close()
    said = {}
    for operation in operations:
        done = llmproxy("explain", "--project", "billing", "--model", "sim", "--operation", operation)
        head, _, row = done.out.partition("turn  document")[2].splitlines()[:3]
        said[operation] = head.partition("secrets")[2].strip(), row.partition("none named")[2].strip()
    assert said == {
        "audio_tts": ("1,000 characters", "0.015 USD"),
        "audio_stt": ("1 minute of audio", "0.006 USD"),
        "images": ("1 image of 1024x1024", "0.04 USD"),
        "embeddings": ("1,000 tokens", "0.002 USD"),
    }


def test_json_of_a_call_with_a_secret_missing(llmproxy: Command, key: str) -> None:
    del key
    done = llmproxy("explain", "--project", "billing", "--model", "chat", "--operation", "chatcompletion", "--json")
    assert done.code == 0, done.out
    found = done.json
    assert found["allowed"] is True
    big, vendor = found["deployments"]
    assert (big["id"], big["turn"], big["share_percent"], big["reason"]) == ("big", 1, "100.0", None)
    assert big["prices"] == {"currency": "USD", "input": "2.5", "output": "10"}
    assert big["example"]["cost"] == "0.0125"
    assert (vendor["id"], vendor["turn"], vendor["adapter"]) == ("vendor", None, "openai_wire")
    assert vendor["secrets"] == [{"parameter": "secret_name", "name": "VENDOR_API_KEY", "present": False}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--project", "billing", "--model", "closed"], "private, and does not list project 'billing'"),
        (["--project", "billing", "--model", "words"], "operation_not_supported"),
        (["--project", "billing", "--model", "nothing"], "no document has the code or the id 'nothing'"),
        (["--project", "nobody", "--model", "chat"], "project 'nobody' does not exist"),
        (["--key", "sk-made-up", "--model", "chat"], "key: unknown key"),
    ],
)
def test_calls_that_are_not_allowed(llmproxy: Command, key: str, arguments: list[str], said: str) -> None:
    del key
    done = llmproxy("explain", *arguments)
    assert done.code == 1
    assert "\nnot allowed\n" in done.out
    assert said in done.out
    assert "made-up" not in done.out + done.err


def test_a_revoked_key_by_its_prefix(llmproxy: Command, key: str) -> None:
    assert llmproxy("explain", "--key", key[:7], "--model", "chat").code == 0
    llmproxy("keys", "revoke", "billing", key[:7])
    done = llmproxy("explain", "--key", key[:7], "--model", "chat")
    assert done.code == 1
    assert "This API key has been revoked." in done.out


def test_a_key_from_standard_input(llmproxy: Command, key: str, tmp_path: Path, data_dir: Path) -> None:
    del llmproxy
    command = [sys.executable, "-m", "llmproxy", "explain", "--key", "-", "--model", "chat"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATA_DIR": str(data_dir)}
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=tmp_path,
        env=environment,
        input=f"{key}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "opens project 'billing'" in done.stdout
    assert done.stderr == ""


def test_a_key_on_the_command_line_is_warned_of(llmproxy: Command, key: str) -> None:
    done = llmproxy("explain", "--key", key, "--model", "chat")
    assert done.code == 0
    assert "history" in done.err


def test_without_authentication_no_caller_is_needed(llmproxy: Command, key: str) -> None:
    del key
    assert llmproxy("explain", "--model", "chat", AUTH="off").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "chat"],
        ["--project", "billing"],
        ["--project", "billing", "--model", "chat", "--operation", "dance"],
        ["--model", "chat", "--key", "x", "--key-env", "HOME"],
        ["--model", "chat", "--key-env", "NOT_SET_ANYWHERE"],
    ],
)
def test_wrong_usage(llmproxy: Command, arguments: list[str]) -> None:
    done = llmproxy("explain", *arguments)
    assert (done.code, done.out) == (2, "")


def test_operations_are_accepted_in_any_case_and_shown_in_the_case_of_documents(llmproxy: Command, key: str) -> None:
    asked = ("explain", "--key-env", "MY_KEY", "--model", "chat", "--operation")
    assert llmproxy(*asked, "CHATCOMPLETION", MY_KEY=key, **VENDOR).code == 0
    unknown = llmproxy(*asked, "chat", MY_KEY=key, **VENDOR)
    assert unknown.code == 2
    assert "'ChatCompletion', 'Responses', 'embeddings'" in unknown.err
