"""Tools that some tests need: skipped with a reason where one is missing, failed where ``CI`` is set."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ROOT / ".cache" / "clients"
NODE_PACKAGES = ROOT / "tests" / "node" / "node_modules"


def missing(reason: str) -> NoReturn:
    """Skip the test; on a build server, where everything has to be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (a build may not skip this)")
    pytest.skip(reason)


def require_tool(name: str) -> str:
    """Return the path of a program."""
    return shutil.which(name) or missing(f"{name} is not installed")


def require_python_client(version: str) -> Path:
    """Return the folder with a version of the official Python client, its requirements included."""
    folder = CLIENTS / f"openai-{version}"
    return folder if (folder / "openai").is_dir() else missing(f"openai {version}.x is not there: run `make test`")


def require_node_package(name: str) -> str:
    """Node's path, once the package is there."""
    node = require_tool("node")
    return node if (NODE_PACKAGES / name).is_dir() else missing(f"npm {name} is not there: run `npm ci` in tests/node")


def require_chromium() -> str:
    """Return the path of Debian's Chromium: no browser is downloaded."""
    return require_tool("chromium")
