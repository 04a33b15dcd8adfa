"""Servers that read-only tests share. A test that kills, reconfigures or counts starts its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("llmproxy"),
        simulated("sim"),
        simulated("azure/gpt-4o"),
        simulated("private", private=True, projects=["somebody-else"]),
        upstream("wire", simulator.url),
    )
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
