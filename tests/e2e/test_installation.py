"""A wheel, built and installed as docs/install.md says, without this virtualenv and without settings."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.shell_pages import Shell
from tests.tools import ROOT, require_tool

pytestmark = pytest.mark.slow

MEGABYTES = 300
"""More than an installation without compiled modules takes, and less than one that has a large package more."""
INDEX = re.compile(r"^(UV|PIP|SSL|HTTPS?|NO)_", re.IGNORECASE)
"""Variables that say how this machine reaches a package index."""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Make a terminal in a folder with what the image is built from."""
    for tool in ("bash", "curl", str(Path(sys.executable).with_name("uv"))):
        require_tool(tool)
    for name in re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path)
    made = Shell(tmp_path)
    del made.variables["PYTHONPATH"]  # what is installed counts, not the source of this clone
    made.variables.pop("VIRTUAL_ENV", None)
    home = Path.home()
    made.variables |= {"UV_CACHE_DIR": str(home / ".cache" / "uv")}
    made.variables |= {name: value for name, value in os.environ.items() if INDEX.match(name)}
    return made


def test_an_installed_wheel_serves(shell: Shell) -> None:
    try:
        shell.run((ROOT / "docs" / "install.md").read_text("utf-8"))
    finally:
        shell.close()
    tool = shell.folder / ".local" / "share" / "uv" / "tools" / "llmproxy"
    packages = next(tool.glob("lib/python3*/site-packages"))
    for package in ("llmproxy", "litellm", "openpyxl"):
        assert (packages / package).is_dir()
    files = (path for path in tool.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert sum(path.stat().st_size for path in files) < MEGABYTES * 1_000_000
    assert not [name for name in packages.glob("*") if name.name.startswith(("tests", "bench"))]
