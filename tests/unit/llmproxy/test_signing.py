"""The key that seals ids: shared by replicas, kept over restarts, always complete."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from application.errors import StoreUnavailableError
from llmproxy.settings import Settings
from llmproxy.signing import FILE, shared_by_replicas, signing_key


def key_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> bytes:
    for name in ("COSMOS_KEY", "COSMOS_URL", "LLMPROXY_SIGNING_KEY", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return signing_key(Settings())


def test_the_setting_wins_and_is_not_the_key_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a secret of replicas"
    key = key_with(monkeypatch, LLMPROXY_SIGNING_KEY=secret, COSMOS_KEY="a2V5")
    assert key == key_with(monkeypatch, LLMPROXY_SIGNING_KEY=secret)
    assert secret.encode() not in key
    assert key != key_with(monkeypatch, COSMOS_KEY="a2V5")


def test_replicas_with_one_database_have_one_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = key_with(monkeypatch, COSMOS_KEY="a2V5", DATA_DIR=str(tmp_path / "here"))
    there = key_with(monkeypatch, COSMOS_KEY="a2V5", DATA_DIR=str(tmp_path / "there"))
    assert here == there
    assert not (tmp_path / "here").exists()


def test_an_embedded_store_keeps_its_key_for_its_owner_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = key_with(monkeypatch, DATA_DIR=str(tmp_path / "data"))
    assert len(key) == 32
    assert key == key_with(monkeypatch, DATA_DIR=str(tmp_path / "data"))
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FILE]


def test_processes_that_start_at_once_agree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = Settings()
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: signing_key(settings), range(64)))
    assert len(keys) == 1


def test_an_incomplete_key_is_reported_and_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"half")
    with pytest.raises(StoreUnavailableError, match="incomplete key"):
        key_with(monkeypatch, DATA_DIR=str(tmp_path))


def test_nothing_is_kept_in_memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_with(monkeypatch, DATA_DIR=":memory:") != key_with(monkeypatch, DATA_DIR=":memory:")


def test_an_operator_is_warned_if_replicas_have_different_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COSMOS_KEY", "LLMPROXY_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COSMOS_URL", "https://account.documents.azure.com")
    assert not shared_by_replicas(Settings())
    monkeypatch.setenv("LLMPROXY_SIGNING_KEY", "a secret of replicas")
    assert shared_by_replicas(Settings())
    monkeypatch.delenv("LLMPROXY_SIGNING_KEY")
    monkeypatch.setenv("COSMOS_KEY", "a2V5")
    assert shared_by_replicas(Settings())
