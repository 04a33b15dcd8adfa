"""The audit log of real commands: no change without an entry, no secret in one, refusals included."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmproxy.cli.main import cli
from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.processes import Running, llmproxy, llmproxy_json

SECRET = "a-secret-in-a-document-0123456789"

CHANGING: dict[str, Callable[[Path, str], tuple[str, ...]]] = {
    "catalog apply": lambda folder, _: (str(folder / "models"),),
    "catalog rollback": lambda _folder, _: ("sim", "1", "--author", "alice"),
    "projects create": lambda _folder, _: ("second", "--tag", "team=red"),
    "projects set-limits": lambda _folder, _: ("billing", "--rpm", "600"),
    "projects set-budget": lambda _folder, _: ("billing", "100"),
    "projects set-content": lambda _folder, _: ("billing", "--log", "full", "--redact", "email"),
    "projects add-identity": lambda _folder, _: ("billing", "--tenant", "t", "--app-id", "a"),
    "projects remove-identity": lambda _folder, _: ("billing", "--tenant", "t", "--app-id", "a"),
    "admins create": lambda _folder, _: ("alice", "--role", "viewer"),
    "admins rotate": lambda _folder, _: ("alice",),
    "admins revoke": lambda _folder, _: ("alice",),
    "keys create": lambda _folder, _: ("billing", "--name", "other"),
    "keys rotate": lambda _folder, key: ("billing", key),
    "keys revoke": lambda _folder, key: ("billing", key),
    "catalog disable": lambda _folder, _: ("sim",),
    "catalog enable": lambda _folder, _: ("sim",),
    "projects update": lambda _folder, _: ("second", "--disabled"),
    "projects tag": lambda _folder, _: ("second", "team=blue"),
    "projects delete": lambda _folder, _: ("second", "--yes"),
}
"""Every command that changes documents, with arguments that make it do so."""

HARMLESS = {
    *("serve", "init", "simulator", "top", "doctor", "explain", "backup", "import"),
    *(
        "catalog validate",
        "catalog plan",
        "catalog export",
        "catalog history",
        *("catalog list", "catalog show", "catalog new", "catalog schema"),
        *("completion", "projects show", "keys show"),
        "projects list",
        "projects history",
        "keys list",
        "admins list",
    ),
    *("limits show", "limits holders", "audit list", "audit verify", "audit export", "people export"),
    *("health-worker", "chaos run", "load-test"),
}
"""Commands that change no document. `serve --demo` is tested below."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store with a few changes, for each test to copy."""
    made = tmp_path_factory.mktemp("audit")
    env = LLMProxy.environment_of(made, {})
    folder = made / "models"
    folder.mkdir()
    (folder / "sim.json").write_text(json.dumps(simulated("sim")))
    llmproxy("catalog", "apply", str(folder), env=env)
    (folder / "sim.json").write_text(json.dumps(simulated("sim", name="renamed")))
    llmproxy("catalog", "apply", str(folder), env=env)
    parameters = {"endpoint": "http://h/v1", "api_key": SECRET, "secret_name": "SOME_KEY"}
    second = upstream("up", "http://h/v1", parameters=parameters)
    (folder / "up.json").write_text(json.dumps(second))
    llmproxy("projects", "create", "billing", env=env)
    return made


@pytest.fixture
def env(prepared: Path, tmp_path: Path) -> dict[str, str]:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return LLMProxy.environment_of(tmp_path, {})


def entries(env: dict[str, str]) -> list[dict[str, Any]]:
    with sqlite3.connect(f"{env['DATA_DIR']}/audit.sqlite3") as connection:
        return [json.loads(text) for (text,) in connection.execute("SELECT text FROM entries ORDER BY number")]


def in_process(*arguments: str, env: dict[str, str]) -> Result:
    """Run a command in this process, which is faster than starting one for each."""
    return CliRunner().invoke(cli, arguments, prog_name="llmproxy", env=env)


def documents(folder: Path) -> list[Any]:
    with sqlite3.connect(folder / "data" / "catalog.sqlite3") as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables]  # noqa: S608


def test_every_change_has_an_entry_and_every_refusal_too(env: dict[str, str], tmp_path: Path) -> None:
    key = llmproxy_json("keys", "create", "billing", "--name", "first", env=env)
    for command, arguments in CHANGING.items():
        before, count = documents(tmp_path), len(entries(env))
        done = in_process(*command.split(), *arguments(tmp_path, key["id"]), env=env)
        assert done.exit_code == 0, done.output
        assert documents(tmp_path) != before, command
        added = entries(env)[count:]
        assert added, command
        for entry in added:
            assert (entry["action"], entry["outcome"]) == (command, "changed")
            assert entry["origin"].startswith("cli ")
            assert entry["actor"]
            assert entry["changes"], command

    refusals = {
        "keys create": ("nobody",),
        "keys revoke": ("billing", "no-such-key"),
        "projects create": ("billing",),
        "projects set-limits": ("nobody", "--rpm", "1"),
        "catalog rollback": ("sim", "99"),
        "limits release": ("nobody",),
    }
    for command, wrong in refusals.items():
        count = len(entries(env))
        done = in_process(*command.split(), *wrong, env=env)
        assert done.exit_code == 1
        (entry,) = entries(env)[count:]
        assert (entry["action"], entry["outcome"], entry["changes"]) == (command, "refused", [])
        assert entry["reason"] in done.output

    text = llmproxy("audit", "list", "--limit", "1000", "--json", env=env).stdout
    listed = json.loads(text)
    hashes = [entry.pop("hash") for entry in listed]
    assert listed == entries(env)
    assert hashes[-1] == llmproxy_json("audit", "verify", env=env)["head"]
    for secret in (SECRET, key["key"], "sha256"):
        assert secret not in text
    shown = next(entry for entry in entries(env) if entry["subject"] == "model up")
    parameters = {change["field"]: change["new"] for change in shown["changes"] if "parameters" in change["field"]}
    assert parameters == {
        "parameters.endpoint": "http://h/v1",
        "parameters.api_key": "********",
        "parameters.secret_name": "SOME_KEY",
    }
    rolled = next(entry for entry in entries(env) if entry["action"] == "catalog rollback")
    assert rolled["actor"] == "alice"
    assert {"field": "name", "old": "renamed", "new": "sim"} in rolled["changes"]
    revoked = next(entry for entry in entries(env) if entry["action"] == "keys revoke")
    assert [change["field"] for change in revoked["changes"]] == [f"keys.{key['id']}.revoked_at"]


def test_the_demo_records_what_it_writes_once(tmp_path: Path) -> None:
    env = LLMProxy.environment_of(tmp_path, {"LLMPROXY_DEMO_KEY": "sk-demo-key-of-this-test"})
    Running("serve", "--demo", "--port", "0", env=env, ready=r"base_url  (\S+)/v1").stop()
    added = [entry["subject"] for entry in entries(env) if entry["action"] == "serve"]
    assert "project demo" in added
    assert "model demo-default" in added


def test_a_log_that_was_tampered_with_is_found(env: dict[str, str], tmp_path: Path) -> None:
    right = llmproxy_json("audit", "verify", env=env)
    assert right["problems"] == []
    assert right["entries"] == len(entries(env))
    exported = tmp_path / "audit.jsonl"
    llmproxy("audit", "export", str(exported), env=env)
    lines = [json.loads(line) for line in exported.read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, right["entries"] + 1))
    assert lines[-1]["hash"] == right["head"]

    with sqlite3.connect(tmp_path / "data" / "audit.sqlite3") as connection:
        connection.execute("DROP TRIGGER entries_stay_as_they_are")
        connection.execute("DROP TRIGGER entries_stay")
        connection.execute("UPDATE entries SET text = replace(text, 'renamed', 'innocent') WHERE number = 2")
    found = llmproxy("audit", "verify", env=env, check=False)
    assert found.returncode == 1
    assert "entry 2 was changed: its hash does not match its text" in found.stderr

    with sqlite3.connect(tmp_path / "data" / "audit.sqlite3") as connection:
        connection.execute("DELETE FROM entries WHERE number > 1")
    assert llmproxy("audit", "verify", env=env).returncode == 0
    cut = llmproxy("audit", "verify", "--contains", right["head"], env=env, check=False)
    assert cut.returncode == 1
    assert "entries are missing or were written anew" in cut.stderr


def test_nothing_changes_while_the_log_is_unavailable(env: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "data" / "audit.sqlite3"
    for path in log.parent.glob("audit.sqlite3*"):
        path.unlink()
    log.mkdir()
    before = documents(tmp_path)
    for command in (("keys", "create", "billing"), ("projects", "create", "third")):
        done = llmproxy(*command, env=env, check=False)
        assert done.returncode == 1
        assert "audit.sqlite3" in done.stderr
    assert documents(tmp_path) == before
    assert llmproxy("keys", "list", "billing", env=env).returncode == 0
