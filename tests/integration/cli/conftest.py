"""The ``llmproxy`` command as a process of its own, on a store of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """Result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def llmproxy(tmp_path: Path, data_dir: Path) -> Command:
    """Run a command with these arguments, and these environment variables on top."""
    # A working directory without a .env file, and nothing of the environment that the tests themselves run in.
    basic = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT"}
    }

    def run(*arguments: str | Path, **environment: str) -> Outcome:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "llmproxy", *map(str, arguments)],
            cwd=tmp_path,
            env=basic | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "DATA_DIR": str(data_dir)} | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
