"""A Cosmos DB server that tests share, and a proxy of their own in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.cosmos_server import cosmos_server
from tests.fakes.fault_proxy import FaultProxy


@pytest.fixture(scope="session")
def cosmos_port() -> Iterator[int]:
    with cosmos_server() as port:
        yield port


@pytest.fixture
def proxy(cosmos_port: int, tmp_path: Path) -> Iterator[FaultProxy]:
    made = FaultProxy(tmp_path, cosmos_port)
    yield made
    made.close()
