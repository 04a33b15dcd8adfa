"""Stores that released and earlier versions wrote open with this one: their keys work, their calls are counted.

``tests/older_stores`` has one folder for each version of the ledger's tables that is worth keeping, written by the
commands of that time and dumped as SQL; the key in it was replaced by ``KEY``.
"""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.processes import Running, environment, llmproxy, llmproxy_json, wait_until
from tests.tools import ROOT

KEY = "sk-of-an-older-store"
STORES = sorted((ROOT / "tests" / "older_stores").iterdir())
CALLS = 3


def opened(store: Path, folder: Path) -> dict[str, str]:
    """Make the databases again, and return the environment of commands that use them."""
    folder.mkdir()
    for script in store.glob("*.sql"):
        connection = sqlite3.connect(folder / f"{script.stem}.sqlite3")
        connection.executescript(script.read_text("utf-8"))
        connection.close()
    return environment(DATA_DIR=str(folder))


def served(env: dict[str, str], calls: int) -> list[dict[str, Any]]:
    """Serve, make a call, and return the usage of its project once it has so many calls."""
    running = Running("serve", "--port", "0", env=env, ready=r"llmproxy listening on (\S+)/v1")
    head = {"authorization": f"Bearer {KEY}"}

    def rows() -> list[dict[str, Any]]:
        query = "by=project,model&from=2026-01-01"
        found: list[dict[str, Any]] = httpx.get(f"{running.base_url}/v1/usage?{query}", headers=head).json()["rows"]
        return found

    try:
        body = {"model": "sim", "messages": [{"role": "user", "content": "Do you remember me?"}]}
        answer = httpx.post(f"{running.base_url}/v1/chat/completions", json=body, headers=head, timeout=30)
        assert answer.status_code == 200, answer.text
        wait_until(lambda: [row["calls"] for row in rows()] == [calls], what="the lines of all calls")
        return rows()
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_store_of_an_older_version_is_served_and_the_oldest_one_restored_from_a_backup(
    tmp_path: Path, store: Path
) -> None:
    env = opened(store, tmp_path / "data")
    (row,) = served(env, CALLS + 1)
    assert Decimal(row["cost"]) > 0
    if store != STORES[0]:
        return
    backup = tmp_path / "backup"
    made = llmproxy_json("backup", str(backup), env=env)
    assert made["ledger_lines"] == CALLS + 1
    elsewhere = env | {"DATA_DIR": str(tmp_path / "restored")}
    restored = json.loads(llmproxy("restore", str(backup), "--json", env=elsewhere).stdout)["restored"]
    assert (restored["models"], restored["projects"], restored["ledger"]) == (1, 1, CALLS + 1)
    (again,) = served(elsewhere, CALLS + 2)
    assert Decimal(again["cost"]) > Decimal(row["cost"])
