"""The official clients, in the versions that are in use, run every operation against a server process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients import matrix
from tests.e2e.clients.documents import documents
from tests.fakes.llmproxy_server import LLMProxy, Simulator
from tests.fakes.processes import environment
from tests.tools import ROOT, require_node_package, require_python_client

PAGE = ROOT / "docs" / "conformance.md"
NODE_CLIENT = ROOT / "tests" / "node" / "conformance.mjs"
PATIENCE = 110
LEAST = 60
"""So many checks are there; fewer = the scripts were not found whole."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    # The errors of upstreams are looked at here, not what a second attempt makes of them.
    once = {"LLMPROXY_RETRIES": "0"}
    made = LLMProxy(tmp_path_factory.mktemp("clients"), *documents(simulator.url), variables=once)
    yield made
    made.stop()


@pytest.fixture
def variables(proxy: LLMProxy, simulator: Simulator) -> dict[str, str]:
    return {"URL": proxy.url, "API_KEY": proxy.key, "UPSTREAM": simulator.base_url}


def _conform(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _judge(title: str, report: dict[str, Any]) -> None:
    """Every check passes or names what the client lacks, and the page says just that."""
    faults = [
        f"{run['setup']}, {run['family']}: {name}: {result['fault']}"
        for run in report["runs"]
        for name, result in run["checks"].items()
        if "fault" in result
    ]
    found = matrix.column(report)
    page = PAGE.read_text("utf-8") if PAGE.exists() else ""
    written = matrix.parse(page)
    if os.environ.get("CONFORMANCE") == "write":
        line = title.partition(".")[0]  # an older release of the same line gives way
        kept = {name: each for name, each in written.items() if name.partition(".")[0] != line}
        written = dict(sorted({**kept, title: found}.items(), reverse=True))
        _, heading, others = page.partition(matrix.FOREIGN)
        PAGE.write_text(matrix.render(written) + ("\n" if heading else "") + heading + others, encoding="utf-8")
    assert not faults, "\n\n".join(faults)
    assert len(found) >= LEAST
    assert written.get(title) == found, "docs/conformance.md is stale; at its top it says how to write it anew"


@pytest.mark.parametrize("major", ["1", "2", "3"])
def test_python(variables: dict[str, str], major: str) -> None:
    folder: Path = require_python_client(major)
    env = environment(**variables) | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    report = _conform([sys.executable, "-m", "tests.e2e.clients.run"], env)
    assert report["version"].startswith(f"{major}."), "another version was imported"
    _judge(f"Python {report['version'].rpartition('.')[0]}", report)


def test_node(variables: dict[str, str]) -> None:
    node = require_node_package("openai")
    report = _conform([node, str(NODE_CLIENT)], {"PATH": os.environ["PATH"], **variables})
    _judge(f"Node {report['version'].rpartition('.')[0]}", report)
