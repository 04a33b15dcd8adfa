"""Servers that read-only tests share. A test that kills, reconfigures or counts starts its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.cosmos_operator import variables
from tests.fakes.cosmos_server import cosmos_server
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream

_PRICES = {"currency": "USD", "cost_input_1Mtokens": 100, "cost_output_1Mtokens": 1_000}


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


@pytest.fixture
def cosmos(tmp_path: Path) -> Iterator[FaultProxy]:
    """Return a Cosmos DB server of its own, behind a proxy that can take it away."""
    with cosmos_server() as port:
        (tmp_path / "tls").mkdir()
        made = FaultProxy(tmp_path / "tls", port)
        yield made
        made.close()


@pytest.fixture
def on_cosmos(tmp_path: Path, cosmos: FaultProxy) -> Iterator[LLMProxy]:
    """Return a server whose documents and ledger are in it."""
    made = LLMProxy(tmp_path, simulated("first"), variables=variables(cosmos), prepare=("init",))
    yield made
    made.stop()


@pytest.fixture
def replicas(tmp_path: Path, cosmos: FaultProxy) -> Iterator[list[LLMProxy]]:
    """Three servers on one Cosmos DB, each with a disk of its own; documents are added by the test."""
    with ExitStack() as stack:
        made: list[LLMProxy] = []
        for number in range(3):
            proxy = LLMProxy(
                tmp_path / f"replica-{number}",
                *([simulated("sim", costs=_PRICES)] if number == 0 else []),
                variables=variables(cosmos),
                prepare=("init",) if number == 0 else (),
            )
            stack.callback(proxy.stop)
            made.append(proxy)
        yield made
