"""Fixtures shared by the tests of the source itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tools import ROOT, missing, require_tool


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Every file under version control that exists, relative to the repository."""
    if not (ROOT / ".git").exists():
        missing("not a git checkout")
    listed = subprocess.run(  # noqa: S603 - git, looked up
        [require_tool("git"), "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    paths = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file()]
