"""A request with every optional parameter of the official client is accepted, and reaches the upstream complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.operation import Endpoint
from domain.vendor_objects import VENDOR_OBJECT_NAMES
from tests.e2e.clients.documents import documents
from tests.e2e.clients.parameter_values import OPERATIONS
from tests.fakes.llmproxy_server import LLMProxy, Simulator
from tests.fakes.processes import environment
from tests.tools import ROOT, require_python_client

NEWEST = "3"


def allowing(documents: list[dict[str, object]]) -> list[dict[str, object]]:
    """Let the documents accept every object of the vendor's account."""
    return [document | {"vendor_objects": list(VENDOR_OBJECT_NAMES)} for document in documents]


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> dict[str, list[str]]:
    folder: Path = require_python_client(NEWEST)
    proxy = LLMProxy(tmp_path_factory.mktemp("parameters"), *allowing(documents(simulator.url, "OpenAI")))
    env = environment(URL=proxy.url, API_KEY=proxy.key, UPSTREAM=simulator.base_url)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.clients.every_parameter"],
            env=env | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        proxy.stop()
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_endpoint_has_a_row() -> None:
    assert {endpoint.value for endpoint in Endpoint} <= set(OPERATIONS)


@pytest.mark.parametrize("path", OPERATIONS)
def test_every_parameter_reaches_the_upstream(faults: dict[str, list[str]], path: str) -> None:
    assert faults[path] == []
