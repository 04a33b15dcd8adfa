"""One module uses uvicorn's private classes, and names the versions of uvicorn that it was written for."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version

from infra.controllers.uvicorn_compat import UVICORN_VERSIONS
from tests.tools import ROOT

ONLY = ROOT / "infra" / "controllers" / "uvicorn_compat.py"
PRIVATE = re.compile(r"uvicorn\.(_|protocols|lifespan|middleware)")


def test_the_installed_uvicorn_is_one_that_the_module_was_written_for() -> None:
    assert version("uvicorn") in UVICORN_VERSIONS, "compare uvicorn's httptools_impl.py, then add its version"


def test_no_other_module_uses_uvicorns_private_classes() -> None:
    users = {
        path
        for package in ("domain", "application", "infra", "llmproxy")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and PRIVATE.match(node.module or "")
    }
    assert users == {ONLY}
