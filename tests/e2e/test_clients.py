"""The official clients, in the versions that are in use, against a server process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator
from tests.fakes.processes import environment
from tests.tools import ROOT, require_node_package, require_python_client

PYTHON_CLIENT = Path(__file__).parent / "clients" / "chat_conformance.py"
NODE_CLIENT = ROOT / "tests" / "node" / "chat_conformance.mjs"
PATIENCE = 100


def _conform(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    failed = {name: fault for name, fault in report["checks"].items() if fault is not None}
    assert not failed, "\n\n".join(f"{name}: {fault}" for name, fault in failed.items())
    return report


def _variables(server: LLMProxy, simulator: Simulator, model: str) -> dict[str, str]:
    """``wire`` is served by the simulator process, which can be asked what reached it; ``sim`` inside our own."""
    upstream = {"UPSTREAM": simulator.base_url} if model == "wire" else {}
    return {"BASE_URL": f"{server.url}/v1", "API_KEY": server.key, "MODEL": model} | upstream


@pytest.mark.parametrize("model", ["wire", "sim"])
@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_python(server: LLMProxy, simulator: Simulator, version: str, model: str) -> None:
    folder = require_python_client(version)
    env = environment(**_variables(server, simulator, model)) | {"PYTHONPATH": str(folder)}
    report = _conform([sys.executable, str(PYTHON_CLIENT)], env)
    assert report["version"].startswith(f"{version}."), "another version was imported"
    assert len(report["checks"]) >= 20


@pytest.mark.parametrize("model", ["wire", "sim"])
def test_node(server: LLMProxy, simulator: Simulator, model: str) -> None:
    node = require_node_package("openai")
    env = {"PATH": os.environ["PATH"], **_variables(server, simulator, model)}
    report = _conform([node, str(NODE_CLIENT)], env)
    assert len(report["checks"]) >= 15
