"""A server with administrators of every role, which the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.administrators import Role
from tests.fakes.administrators import DEAR, SECRET_IN_DOCUMENT, bearer, create_administrators, wait_for_key
from tests.fakes.llmproxy_server import LLMProxy, simulated


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("admin-api"),
        simulated("sim", context_window=8000),
        simulated("dear", costs=DEAR, operations=["embeddings"], parameters={"api_key": SECRET_IN_DOCUMENT}),
        simulated("private", private=True, projects=["somebody-else"]),
        variables={"LLMPROXY_METRICS_PROTECTED": "true"},
    )
    yield made
    made.stop()


@pytest.fixture(scope="session")
def keys(proxy: LLMProxy) -> dict[Role, str]:
    proxy.create_key("other")
    made = create_administrators(Path(proxy.env["DATA_DIR"]))
    wait_for_key(proxy, made[Role.ADMIN])
    return made


@pytest.fixture
def admin(proxy: LLMProxy, keys: dict[Role, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, headers=bearer(keys[Role.ADMIN]), timeout=30) as client:
        yield client


@pytest.fixture
def owner(proxy: LLMProxy, keys: dict[Role, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, headers=bearer(keys[Role.OWNER]), timeout=30) as client:
        yield client
