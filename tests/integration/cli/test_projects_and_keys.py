"""``llmproxy projects`` and ``llmproxy keys``: the life of a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.api_key import fingerprint
from tests.integration.cli.conftest import Command


def test_the_life_of_a_key(llmproxy: Command, data_dir: Path) -> None:
    assert llmproxy("projects", "create", "billing", "--name", "Billing", "--tag", "team=core").code == 0
    made = llmproxy("keys", "create", "billing", "--name", "ci")
    key = made.out.strip()
    assert made.code == 0
    assert key.startswith("sk-")
    assert len(key) == 46
    assert key not in made.err
    (listed,) = llmproxy("keys", "list", "billing", "--json").json
    assert (listed["name"], listed["prefix"], listed["state"]) == ("ci", key[:7], "usable")
    for path in data_dir.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()
    (project,) = llmproxy("projects", "list", "--json").json
    assert (project["id"], project["usable_keys"], project["tags"]) == ("billing", 1, {"team": "core"})
    assert llmproxy("keys", "revoke", "billing", "ci").out == f"{listed['id']} is revoked\n"
    assert llmproxy("keys", "revoke", "billing", listed["id"], "--json").json["was_revoked_before"] is True
    table = llmproxy("keys", "list", "billing").out
    assert "revoked" in table
    assert "usable" not in table
    assert "0  enabled" in llmproxy("projects", "list").out


def test_json_of_a_new_key_and_its_last_day(llmproxy: Command) -> None:
    llmproxy("projects", "create", "billing")
    made = llmproxy("keys", "create", "billing", "--expires", "2099-12-31", "--json").json
    assert made["expires_at"] == "2100-01-01T00:00:00Z"
    assert made["key"].startswith(made["prefix"])
    assert fingerprint(made["key"]) not in str(made)
    moment = llmproxy("keys", "create", "billing", "--expires", "2099-12-31T12:00:00+02:00", "--json").json
    assert moment["expires_at"] == "2099-12-31T10:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["projects", "create", "billing"], 1),
        (["projects", "create", "a/b"], 1),
        (["projects", "create", "other", "--tag", "team"], 2),
        (["keys", "create", "nobody"], 1),
        (["keys", "list", "nobody"], 1),
        (["keys", "revoke", "billing", "nothing"], 1),
        (["keys", "create", "billing", "--expires", "2020-01-01"], 1),
        (["keys", "create", "billing", "--expires", "tomorrow"], 2),
    ],
)
def test_errors_are_one_line(llmproxy: Command, arguments: list[str], code: int) -> None:
    llmproxy("projects", "create", "billing")
    done = llmproxy(*arguments)
    assert (done.code, done.out) == (code, "")
    assert code == 2 or done.err.count("\n") == 1


def test_the_history_of_a_project_has_who_and_what(llmproxy: Command) -> None:
    for project in ("billing", "billing-2"):
        llmproxy("projects", "create", project)
    llmproxy("projects", "set-limits", "billing", "--rpm", "60")
    llmproxy("projects", "set-limits", "billing", "--rpm", "90")
    key = llmproxy("keys", "create", "billing", "--json").json["key"]
    entries = llmproxy("projects", "history", "billing", "--json").json
    assert [entry["action"] for entry in entries] == [
        "projects create",
        "projects set-limits",
        "projects set-limits",
        "keys create",
    ]
    assert entries[2]["changes"] == [{"field": "limits.rpm", "old": "60", "new": "90"}]
    shown = llmproxy("projects", "history", "billing")
    assert 'limits.rpm: "60" -> "90"' in shown.out
    assert key not in shown.out
    assert "no change of project nobody" in llmproxy("projects", "history", "nobody").err
