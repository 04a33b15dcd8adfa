"""One simulator process for each module of tests; every test counts from zero."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.llmproxy_server import Simulator


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture
def server(running: Simulator) -> Simulator:
    running.reset()
    return running
