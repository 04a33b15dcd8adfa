"""Files of others that are part of the package: unchanged, with their licences, and part of what is installed."""

from __future__ import annotations

import hashlib
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.tools import ROOT

CONTROLLERS = ROOT / "infra" / "controllers"
VENDORED = {
    "admin_pages/static/htmx.min.js": (
        "htmx.LICENSE.txt",
        "Zero-Clause BSD",
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    ),
    "swagger_ui/swagger-ui-bundle.js": (
        "LICENSE.txt",
        "Apache License",
        "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    ),
    "swagger_ui/swagger-ui.css": (
        "NOTICE.txt",
        "SmartBear",
        "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
    ),
}
"""Licence beside the file, words of it, and the SHA-256: htmx.org 2.0.11 and swagger-ui-dist 5.35.0 from npm."""


@pytest.mark.parametrize("name", VENDORED)
def test_a_vendored_file_is_as_it_was_published(name: str) -> None:
    licence, words, digest = VENDORED[name]
    file = CONTROLLERS / name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
    assert words in (file.parent / licence).read_text("utf-8")


def test_files_of_pages_are_installed(tracked: list[Path]) -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = setuptools["packages"]["find"]
    assert found.get("namespaces", True), "folders without __init__.py would be left out"
    patterns = setuptools["package-data"]["*"]
    served = {".html", ".css", ".js", ".mo", ".txt"}
    files = [path for path in tracked if path.parts[0] == "infra" and path.suffix in served]
    assert len(files) > len(VENDORED)
    for path in files:
        assert any(fnmatch(".".join(path.parent.parts), pattern) for pattern in found["include"]), path
        assert any(fnmatch(path.name, pattern) for pattern in patterns), path
