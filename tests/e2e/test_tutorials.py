"""Tutorials, how-to guides and walks do what they say: every shell block runs, and prints what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell_pages import WORDS, Shell, blocks, matches
from tests.tools import ROOT, require_tool

DOCS = ROOT / "docs"
PAGES = sorted(page for folder in ("tutorials", "how-to", "walks") for page in DOCS.glob(f"{folder}/*.md"))
NOT_RUN = re.compile(
    r"git clone |cd |make install|\. \.venv/bin/activate|export [A-Z_]+=|python3 -m venv |\S*pip install --no-deps "
)
"""The lines that a page may show without a test that runs them."""


CONTAINED = "unshare --mount setpriv --reuid 10001 --regid 10001 --clear-groups"
"""A mount namespace and a user without rights, as the walk of the platform engineer has them."""


def _name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_shell_block_prints_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    for tool in ("bash", "curl"):
        require_tool(tool)
    page = path.read_text("utf-8")
    if "unshare" in page:
        _require_containment()
    shell = Shell(tmp_path)
    try:
        shell.run(page)
    finally:
        shell.close()


def _require_containment() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux")
    for tool in ("unshare", "setpriv"):
        require_tool(tool)
    command = [*CONTAINED.split(), sys.executable, "-c", "import llmproxy"]
    tried = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - a tool
    if tried.returncode:
        pytest.skip(f"another user cannot run this installation in a namespace: {tried.stderr.strip()[-200:]}")


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_only_installation_is_not_run(path: Path) -> None:
    found = blocks(path.read_text("utf-8"))
    assert [block for block in found if block.language in {"", "bash", "shell", "console"}] == []
    commands = [block for block in found if block.language == "sh"]
    words = [word for block in commands for word in block.words]
    assert [word for word in words if word not in WORDS and word[:5] not in {"exit=", "file="}] == []
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
