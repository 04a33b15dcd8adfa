"""Tutorials and how-to guides do what they say: every shell block runs, and prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shell_pages import WORDS, Shell, blocks, matches
from tests.tools import ROOT, require_tool

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("tutorials/*.md"), *DOCS.glob("how-to/*.md")])
NOT_RUN = re.compile(r"git clone |cd |make install|\. \.venv/bin/activate|export [A-Z_]+=")
"""The lines that a page may show without a test that runs them."""


def _name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_shell_block_prints_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    for tool in ("bash", "curl"):
        require_tool(tool)
    shell = Shell(tmp_path)
    try:
        shell.run(path.read_text("utf-8"))
    finally:
        shell.close()


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_only_installation_is_not_run(path: Path) -> None:
    found = blocks(path.read_text("utf-8"))
    assert [block for block in found if block.language in {"", "bash", "shell", "console"}] == []
    commands = [block for block in found if block.language == "sh"]
    assert [word for block in commands for word in block.words if word not in WORDS and word[:5] != "exit="] == []
    skipped = [line for block in commands if "not-run" in block.words for line in block.text.splitlines()]
    assert [line for line in skipped if not NOT_RUN.match(line)] == []
    assert sum("not-run" not in block.words for block in commands) > len(commands) / 2


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a  b\n-  ---", "a     b\n--  ---------", False),
        ("a  b\n--  ---", "a     b\n--  ---------", True),
        ("cost 0.1 USD", "cost 0.2 USD", False),
        ("first\n...\nlast", "first\n1\n2\nlast", True),
        ("first\n...\nlast", "first\nlast", True),
        ("first\n...\nlast", "first\n1", False),
        ("first\n...", "first\n1\n2", True),
        ('{"id": "...", "n": 1}', '{"id": "x", "n": 2}', False),
        ("at 2026-11-29T10:00:00Z", "at 2027-01-01 00:00:00.123+00:00", True),
        ("one line", "one line\nand another", False),
    ],
)
def test_outputs_are_compared_to_the_last_digit(shown: str, printed: str, *, same: bool) -> None:
    assert matches(shown, printed) is same


def test_the_index_lists_every_page_once_below_a_kind() -> None:
    kinds = (DOCS / "README.md").read_text("utf-8").split("\n## ")[1:]
    assert [kind.partition("\n")[0] for kind in kinds] == ["Tutorials", "How-to guides", "Reference", "Explanation"]
    listed = sorted(re.findall(r"^- \[[^\]]+\]\((?!\.\./)([^)]+\.md)\): .+$", "\n".join(kinds), re.MULTILINE))
    english = (path for path in DOCS.rglob("*.md") if path.parent.name != "decisions" and "pt-BR" not in path.parts)
    assert listed == sorted(_name(path) for path in english if path != DOCS / "README.md")
    assert all(f"]({_name(path)})" in kinds[0 if path.parent.name == "tutorials" else 1] for path in PAGES)
