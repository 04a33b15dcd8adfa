"""What people read calls the product by one word: LLM Proxy is a proxy, never a gateway."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools import ROOT

OTHER_WORD = re.compile(r"\b(?:the|this|our|a) gateway\b", re.IGNORECASE)
SOURCES = sorted(
    path for package in ("domain", "application", "infra", "llmproxy") for path in (ROOT / package).rglob("*.py")
)
# docs/benchmarks.md compares with products that call themselves gateways.
PAGES = [path for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]) if path.name != "benchmarks.md"]


def _texts(path: Path) -> Iterator[str]:
    """Every text in the code of a module that is not a docstring: a docstring stands alone as a statement."""
    tree = ast.parse(path.read_text("utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_messages_say_proxy() -> None:
    assert [(path.name, text) for path in SOURCES for text in _texts(path) if OTHER_WORD.search(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_say_proxy(path: Path) -> None:
    assert OTHER_WORD.findall(path.read_text("utf-8")) == []
