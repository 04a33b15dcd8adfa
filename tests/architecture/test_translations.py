"""Pages in Brazilian Portuguese have the structure, commands, outputs, names and links of the English ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shell_pages import FENCE, blocks
from tests.tools import ROOT

DOCS = ROOT / "docs"
TRANSLATED = DOCS / "pt-BR"
PAIRS = {ROOT / "README.md": ROOT / "README.pt-BR.md"} | {
    DOCS / path.relative_to(TRANSLATED): path for path in sorted(TRANSLATED.rglob("*.md"))
}
"""English pages and their translations."""

EACH = pytest.mark.parametrize(
    ("english", "translation"), PAIRS.items(), ids=[path.relative_to(ROOT).as_posix() for path in PAIRS.values()]
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _prose(path: Path) -> str:
    return FENCE.sub("", path.read_text("utf-8"))


def _links(path: Path) -> list[tuple[Path, str]]:
    found = re.findall(r"\]\(([^)#:\s]+)(#[^)]*)?\)", _prose(path))
    return sorted(((path.parent / target).resolve(), anchor) for target, anchor in found)


def _commands(path: Path) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """Return the fenced blocks without comments, and of pictures only that they are there."""
    return [
        (
            block.language,
            block.words,
            [] if "picture" in block.words else [re.sub(r"\s+# .*", "", line) for line in block.text.splitlines()],
        )
        for block in blocks(path.read_text("utf-8"))
    ]


@pytest.mark.parametrize("kind", ["tutorials", "how-to"])
def test_every_tutorial_and_guide_is_translated(kind: str) -> None:
    first, second = ({path.name for path in (folder / kind).glob("*.md")} for folder in (DOCS, TRANSLATED))
    assert first
    assert first == second


@EACH
def test_headings_have_the_same_levels(english: Path, translation: Path) -> None:
    first, second = (re.findall(r"^#+(?= )", _prose(path), re.MULTILINE) for path in (english, translation))
    assert first == second
    titles = [re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)[1:] for path in (english, translation)]
    assert not set(titles[0]) & set(titles[1]), "headings that are not translated"


@EACH
def test_commands_and_outputs_are_the_same(english: Path, translation: Path) -> None:
    assert _commands(english) == _commands(translation)


@EACH
def test_names_and_numbers_in_the_text_are_the_same(english: Path, translation: Path) -> None:
    for pattern in (re.compile(r"`[^`\n]+`"), NUMBER):
        first, second = (sorted(pattern.findall(_prose(path))) for path in (english, translation))
        assert first == second


@EACH
def test_links_lead_to_the_same_pages_or_their_translations(english: Path, translation: Path) -> None:
    other = PAIRS | {translation: english}
    assert _links(translation) == sorted((other.get(target, target), anchor) for target, anchor in _links(english))


@EACH
def test_paragraphs_are_as_many(english: Path, translation: Path) -> None:
    first, second = (len(re.findall(r"\n\n(?=\S)", _prose(path))) for path in (english, translation))
    assert first == second
