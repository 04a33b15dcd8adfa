"""No key: a managed identity, whose tokens come from where App Service and Container Apps hand them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.processes import environment, llmproxy
from tests.fakes.token_server import TOKEN, token_server


@pytest.fixture
def tokens() -> Iterator[str]:
    with token_server() as server:
        yield server.url


def without_key(proxy: FaultProxy, folder: Path, **more: str) -> dict[str, str]:
    return environment(
        COSMOS_URL=f"https://127.0.0.1:{proxy.port}",
        COSMOS_DATABASE_ID=folder.name,
        DATA_DIR=str(folder / "data"),
        **more,
    )


def test_a_managed_identity_is_used_without_a_key(proxy: FaultProxy, tokens: str, tmp_path: Path) -> None:
    env = without_key(proxy, tmp_path, IDENTITY_ENDPOINT=tokens, IDENTITY_HEADER="let-me-in")
    llmproxy("init", env=env)
    asked = {unquote(seen.headers["authorization"]) for seen in proxy.seen}
    assert asked == {f"type=aad&ver=1.0&sig={TOKEN}"}

    action = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read"
    proxy.fault = Fault(
        403, message=f"principal [x] does not have required RBAC permissions to perform action [{action}]"
    )
    done = llmproxy("projects", "list", env=env, check=False)
    assert done.returncode == 1
    assert "Cosmos DB Built-in Data Contributor" in done.stderr
    assert action in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_neither_key_nor_identity_is_reported(proxy: FaultProxy, tokens: str, tmp_path: Path) -> None:
    env = without_key(proxy, tmp_path, IDENTITY_ENDPOINT=tokens, IDENTITY_HEADER="wrong")
    done = llmproxy("init", env=env, check=False)
    assert done.returncode == 1
    assert "COSMOS_KEY is empty and no managed identity" in done.stderr
    assert "Traceback" not in done.stderr
