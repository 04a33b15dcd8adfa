"""Folder = port, file = technology; files stay small."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

from tests.tools import ROOT

PORTS = {path.stem: path for path in (ROOT / "application" / "ports").glob("*.py") if path.stem != "__init__"}
SOURCE = ("domain", "application", "infra", "llmproxy")
CEILING = 250
MEDIAN = (60, 140)
FAR_TOO_LONG = 500

LONGER = {
    "domain/errors.py": "the whole error tree, drawn once and defined below its drawing",
    "tests/contract/test_usage_store.py": "the whole behaviour of a port in one suite",
    "tests/e2e/clients/parameter_values.py": "one table: a value for every parameter of every operation",
    "tests/e2e/test_operation_faults.py": "every failure of an upstream, for every operation",
    "tests/fakes/usage_reports.py": "one table: the usage object of every vendor",
    "tests/integration/cli/test_catalog_plan.py": "a plan's whole life, each step with what can come between",
    "tests/integration/clients/test_http_pool.py": "everything that a pooled connection can go through",
    "tests/integration/openai_wire/test_provider.py": "everything that an upstream of this format can do to us",
    "tests/integration/providers/test_litellm_wire.py": "every kind of upstream behind LiteLLM, as bytes on the wire",
    "tests/integration/simulator/test_server.py": "the simulator's whole surface as a client sees it",
    "tests/integration/usage_store/test_journal.py": "kills, full disks and stores that come and go",
    "tests/unit/domain/documents/test_model.py": "every field of the model document",
}
"""Files above the ceiling, with the reason."""

CONTRACT_ELSEWHERE: dict[str, str] = {}
"""Adapters (``port/adapter``) whose contract is tested elsewhere, with the reason."""


def _adapters(port: str) -> list[str]:
    """Return the adapters that a port's docstring names."""
    first = PORTS[port].read_text("utf-8").partition('"""')[2].partition('"""')[0]
    return re.findall(r"``(\w+)``", first.partition("Adapters:")[2])


@pytest.mark.parametrize("port", sorted(PORTS))
def test_a_port_has_two_adapters_in_the_folder_of_its_name(port: str) -> None:
    adapters = _adapters(port)
    assert len(adapters) >= 2, "a port needs two adapters"
    for adapter in adapters:
        folder = ROOT / "infra" / port
        assert (folder / f"{adapter}.py").is_file() or (folder / adapter).is_dir(), f"infra/{port}/{adapter}"


@pytest.mark.parametrize("port", sorted(PORTS))
def test_every_adapter_passes_the_contract_suite_of_its_port(port: str) -> None:
    suite = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "contract").glob(f"*{port}*.py"))
    for adapter in _adapters(port):
        if f"{port}/{adapter}" not in CONTRACT_ELSEWHERE:
            assert f"infra.{port}.{adapter}" in suite, f"{adapter} does not run the contract suite"


def test_every_contract_suite_belongs_to_a_port() -> None:
    suites = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "contract").glob("test_*.py")}
    assert set(PORTS) <= suites
    assert [suite for suite in suites if not suite.startswith(tuple(PORTS))] == []


def test_only_the_composition_root_knows_adapters() -> None:
    allowed = {"wiring.py", "providers.py", "stores.py", "secrets.py", "cli/simulator.py"}
    names = "|".join(rf"{port}\.{adapter}" for port in PORTS for adapter in _adapters(port))
    adapter = re.compile(rf"^\s*(?:from|import) infra\.(?:{names})\b", re.MULTILINE)
    for path in (ROOT / "llmproxy").rglob("*.py"):
        name = path.relative_to(ROOT / "llmproxy").as_posix()
        if name not in allowed:
            assert not adapter.search(path.read_text("utf-8")), f"llmproxy/{name} imports an adapter"


def _lines(path: Path) -> int:
    return len((ROOT / path).read_text("utf-8").splitlines())


def test_files_stay_below_the_ceiling(tracked: list[Path]) -> None:
    found = {path.as_posix(): _lines(path) for path in tracked if path.suffix in {".py", ".mjs"}}
    long = {name: lines for name, lines in found.items() if lines > CEILING}
    assert {name: lines for name, lines in long.items() if name not in LONGER} == {}
    assert {name: lines for name, lines in long.items() if lines > FAR_TOO_LONG} == {}


def test_a_class_name_means_one_thing(tracked: list[Path]) -> None:
    found: dict[str, list[str]] = {}
    for path in tracked:
        if path.suffix == ".py" and path.parts[0] in SOURCE:
            for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(path.as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_reasons_for_long_files_are_still_needed() -> None:
    assert [name for name in LONGER if not (ROOT / name).exists() or _lines(Path(name)) <= CEILING] == []


def test_the_ordinary_file_is_short(tracked: list[Path]) -> None:
    lines = [
        _lines(path) for path in tracked if path.suffix == ".py" and path.parts[0] in SOURCE and path.stem != "__init__"
    ]
    low, high = MEDIAN
    assert low <= statistics.median(lines) <= high
    assert statistics.quantiles(lines, n=10)[-1] < CEILING
