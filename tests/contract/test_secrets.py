"""The contract of sources of secrets: found by name, followed when they change, kept while they are unavailable."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from application.ports.secrets import Secrets
from infra.clients.key_vault import KeyVault
from infra.secrets.env import EnvironmentSecrets
from infra.secrets.files import FileSecrets
from infra.secrets.key_vault import KeyVaultSecrets
from tests.fakes.key_vault import key_vault
from tests.fakes.token_server import SECRET, token_server

FIRST = "sk-the-first"


@dataclass
class Source:
    """A source and its other side.

    Args:
        secrets: the adapter.
        write: sets ``MODEL_KEY``; None removes it.
        set_available: takes the source away and brings it back.
    """

    secrets: Secrets
    write: Callable[[str | None], None]
    set_available: Callable[[bool], None] | None


@pytest.fixture(name="source", params=["env", "files", "variable", "key_vault"])
async def _source(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Source]:
    environment = {"MODEL_KEY": FIRST}
    with ExitStack() as stack:
        if request.param == "env":
            made = Source(EnvironmentSecrets(environment), lambda _value: None, None)
        elif request.param == "key_vault":
            tokens = stack.enter_context(token_server())
            monkeypatch.setenv("IDENTITY_ENDPOINT", tokens.url)
            monkeypatch.setenv("IDENTITY_HEADER", SECRET)
            vault = stack.enter_context(key_vault(tmp_path))

            def write(value: str | None) -> None:
                vault.secrets = {} if value is None else {"model-key": (value, f"version-{len(value)}")}

            def set_available(available: bool) -> None:  # noqa: FBT001 - the value is all there is
                vault.available = available

            made = Source(KeyVaultSecrets(KeyVault(vault.url, str(vault.ca_file))), write, set_available)
        else:
            folder = tmp_path / "secrets"
            folder.mkdir()
            path = folder / ("MODEL_KEY" if request.param == "files" else "elsewhere")
            named = {} if request.param == "files" else {"MODEL_KEY_FILE": str(path)}
            made = Source(FileSecrets(named, folder), lambda value: _replace(path, value), None)
        made.write(FIRST)
        yield made
        await made.secrets.close()


def _replace(path: Path, value: str | None) -> None:
    if value is None:
        path.unlink()
    else:
        new = path.with_suffix(".new")
        new.write_text(value + "\n", "utf-8")
        new.replace(path)


async def known(source: Source, name: str = "MODEL_KEY") -> str | None:
    source.secrets.get(name)
    await source.secrets.refresh()
    return source.secrets.get(name)


async def test_a_secret_is_found_by_its_name_with_hyphens_or_underscores(source: Source) -> None:
    assert await known(source) == FIRST
    assert await known(source, "MODEL-KEY") == FIRST


async def test_other_names_are_not_found(source: Source) -> None:
    for name in ("OTHER_KEY", "../MODEL_KEY", "a/b", "", ".", "MODEL_KEY\n", "x" * 5_000, "ключ"):
        assert await known(source, name) is None, name


async def test_a_change_is_followed(source: Source) -> None:
    assert await known(source) == FIRST
    assert await source.secrets.refresh() is False
    if isinstance(source.secrets, EnvironmentSecrets):
        return
    source.write("sk-the-second")
    assert await source.secrets.refresh() is True
    assert source.secrets.get("MODEL_KEY") == "sk-the-second"
    source.write(None)
    assert await source.secrets.refresh() is True
    assert source.secrets.get("MODEL_KEY") is None


async def test_values_stay_while_the_source_is_unavailable(source: Source) -> None:
    assert await known(source) == FIRST
    if source.set_available is None:
        return
    source.set_available(False)
    source.write("sk-the-second")
    assert await source.secrets.refresh() is False
    assert source.secrets.failure is not None
    assert source.secrets.get("MODEL_KEY") == FIRST
    source.set_available(True)
    assert await source.secrets.refresh() is True
    assert source.secrets.get("MODEL_KEY") == "sk-the-second"
    assert not source.secrets.failure


async def test_versions_tell_no_value(source: Source) -> None:
    await known(source)
    versions = source.secrets.versions()
    assert len(versions) == (0 if isinstance(source.secrets, EnvironmentSecrets) else 1)
    assert FIRST not in repr([(each.name, each.source, each.changed_at) for each in versions])
    assert FIRST not in repr(vars(source.secrets)) or isinstance(source.secrets, EnvironmentSecrets)


async def test_a_file_of_another_purpose_is_no_secret(tmp_path: Path) -> None:
    token = tmp_path / "federated"
    token.write_text("the token of the identity", "utf-8")
    source = FileSecrets({"AZURE_FEDERATED_TOKEN_FILE": str(token)}, tmp_path / "missing")
    assert source.get("AZURE_FEDERATED_TOKEN") is None
    assert source.get("azure-federated-token") is None


async def test_a_file_that_cannot_be_read_keeps_its_last_value(tmp_path: Path) -> None:
    path = tmp_path / "MODEL_KEY"
    path.write_text(FIRST, "utf-8")
    source = FileSecrets({}, tmp_path)
    assert source.get("MODEL_KEY") == FIRST
    path.write_bytes(b"\xff\xfe")
    assert await source.refresh() is False
    assert source.get("MODEL_KEY") == FIRST
    assert source.failure is not None
    os.truncate(path, 0)
    assert await source.refresh() is True
    assert source.get("MODEL_KEY") is None
