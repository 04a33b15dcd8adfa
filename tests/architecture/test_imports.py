"""Importing has no effect, and every package that is imported is declared."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.lock_check import canonical, wanted
from tests.tools import ROOT

PACKAGES = ("domain", "application", "infra", "llmproxy")
SCRIPT = Path(__file__).parent / "import_everything.py"
EXTRAS = {
    "requirements-otel": "infra/telemetry/otel",
    "requirements-appinsights": "infra/clients/application_insights.py",
    "requirements-keyvault": "infra/clients/key_vault.py",
    "requirements-xlsx": "llmproxy/cli/workbook.py",
}
"""Requirements of optional features, by the folder whose modules alone may import them."""
LATE = {"openai": "comes with LiteLLM, whose errors are its errors; imported where those are translated"}


def _run(script: Path) -> subprocess.CompletedProcess[str]:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, check=False)  # noqa: S603


def test_importing_has_no_effect() -> None:
    done = _run(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_the_test_above_can_fail(tmp_path: Path) -> None:
    for number, effect in enumerate(
        (
            "import socket; socket.create_connection(('127.0.0.1', 9))",
            "import os; os.environ['HOME']",
            "import os; os.environ.get('HOME')",
            "import os; os.getenv('HOME')",
            "import os; os.environ['X'] = 'y'",
            "import logging; logging.basicConfig()",
            "open('written', 'w')",
        )
    ):
        root = tmp_path / str(number)
        for package in PACKAGES:
            (root / package).mkdir(parents=True)
            (root / package / "__init__.py").touch()
        (root / "infra" / "guilty.py").write_text(effect)
        script = root / "tests" / "architecture" / SCRIPT.name
        script.parent.mkdir(parents=True)
        script.write_text(SCRIPT.read_text("utf-8"), "utf-8")
        assert _run(script).returncode != 0, effect


def _imported(*folders: str) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((alias.name.partition(".")[0], path) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.partition(".")[0], path


def test_what_is_imported_is_declared() -> None:
    files = {file: (ROOT / f"{file}.in").read_text("utf-8") for file in ("requirements", *EXTRAS)}
    distributions = packages_distributions()
    for module, path in _imported(*PACKAGES):
        extras = [file for file, folder in EXTRAS.items() if path.is_relative_to(ROOT / folder)]
        declared = {name for file in ("requirements", *extras) for name, _ in wanted(files[file])}
        if module in sys.stdlib_module_names or module in PACKAGES or module in LATE:
            continue
        owners = {canonical(owner) for owner in distributions.get(module, [module])}
        assert owners & declared, f"{path.relative_to(ROOT)} imports {module}, which no file of requirements names"


def test_every_dependency_has_its_reason() -> None:
    for name in ("requirements.in", "requirements-dev.in", "requirements-build.in", *(f"{one}.in" for one in EXTRAS)):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            if line and not line.startswith(("#", "-")):
                assert re.search(r"\s#\s\S+", line), f"{name}: {line}"


def test_nothing_is_mocked() -> None:
    for module, path in _imported(*PACKAGES, "tests", "bench"):
        assert module not in {"mock", "pytest_mock"}, path
    for path in (ROOT / "tests").rglob("*.py"):
        if "node_modules" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    assert node.module != "unittest.mock", path
                    assert (node.module, "mock") not in {(node.module, a.name) for a in node.names if a.name == "mock"}
