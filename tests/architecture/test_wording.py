"""Code, messages and pages use the field's words and plain English. A row of ``BANNED`` says what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools import ROOT

BANNED = {
    r"(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|later\b)": "not a, invalid, missing",
    r"(?<!there )\bis none\b": "is absent, is missing",
    r"``None`` =": "None if absent",
    r'"""(?:What|How|Whether|Who|Where|When|Which)\b(?! is\b.*\?)': "a verb, or a noun: Return ..., The ...",
    r"(?i)\bright would be\b": "expected ...",
    r"(?i)\bwhat becomes of\b": "transform applied to, result of",
    r"(?i)\bgo(?:es)? on with\b": "continues",
    r"(?i)\bnobody (?:heard|hears|listens|knows)\b": "interrupted, refused, unknown",
    r"(?i)\bputs? right\b": "corrects, fixes",
    r"(?i)\bout of all proportion\b": "out of range",
    r"(?i)\bcannot? cope with\b": "internal error while reading",
    r"(?i)\bdid not work out\b": "failed",
    r"(?i)\bwas meant\?": "did you mean ...?",
    r"(?i)\bexclude each other\b": "are mutually exclusive",
    r"\bthat is none\b": "that is not one",
    r"(?i)\bfiner than anything\b": "too many decimal places",
    r"(?i)\bnot kept any more\b": "already closed",
    r"(?i)\b(?:the|this|our|a) gateway\b": "the proxy",
}
"""Patterns, and what to write in their place."""

COINED = re.compile(
    r"\b(?:lookout|shelved|halves|outline|prose|undress|goes_on|unheard|station|spool(?:s|ed)?|visits?|doors?|house)\b",
    re.IGNORECASE,
)
"""Words of this project alone, which nobody else would search for, as names of things in the source."""

PACKAGES = ("domain", "application", "infra", "llmproxy", "bench", "tests")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts
)
# docs/benchmarks.md compares with products that call themselves gateways.
PAGES = [path for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]) if path.name != "benchmarks.md"]
SELF = Path(__file__)
GATEWAYS = ("bench",)
"""Folders that speak of other products, which are gateways."""


def _found(path: Path) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    banned = [
        (re.compile(pattern), instead)
        for pattern, instead in BANNED.items()
        if not ("gateway" in pattern and path.relative_to(ROOT).parts[0] in GATEWAYS)
    ]
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()} (write: {instead})"
        for number, line in enumerate(lines, 1)
        for pattern, instead in banned
        if pattern.search(line)
    ]


def test_source_is_in_plain_english() -> None:
    assert [line for path in SOURCES if path != SELF for line in _found(path)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_are_in_plain_english(path: Path) -> None:
    assert _found(path) == []


def test_names_are_words_that_everybody_knows() -> None:
    code = [path for path in SOURCES if path.relative_to(ROOT).parts[0] not in {"tests", "bench"}]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in code
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if COINED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ('"""What this does."""', True),
        ("x is no number", True),
        ("x is no longer valid", False),
        ("``None`` = absent", True),
        ("'x' was meant?", True),
        ("the gateway refused it", True),
        ("did you mean 'x'?", False),
    ],
)
def test_the_ban_list_catches_what_it_names(text: str, *, caught: bool) -> None:
    assert any(re.search(pattern, text) for pattern in BANNED) is caught
