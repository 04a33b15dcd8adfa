"""Nothing of one machine, and no secret, is under version control."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools import ROOT

FORBIDDEN = {
    "home directory": re.compile(r"(?<![\w.])/(?:root|home/\w+|Users/\w+)/[\w.]"),
    "package index": re.compile(r"(?:index-url|find-links|registry)[\s=\"':]+(?:https?|file)://", re.IGNORECASE),
    "resolved package": re.compile(r"\"resolved\":\s*\"(?:https?|file):"),
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*\n[A-Za-z0-9+/=]{20}"),
    "vendor key": re.compile(
        r"\b(?:sk-(?:proj-|ant-api\d\d-)?[A-Za-z0-9_]{40,}|AKIA[0-9A-Z]{16}|gh[ps]_[A-Za-z0-9]{36})\b"
    ),
    "mail address": re.compile(r"\b[\w.+-]+@(?:gmail|outlook|hotmail|yahoo)\.\w+"),
}
BINARY = {".png", ".ico", ".gz", ".mo"}
LICENCES = "infra/controllers/swagger_ui/swagger-ui-bundle.js.LICENSE.txt"
"""Licences of others, which name their authors."""


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_no_file_contains_a(what: str, tracked: list[Path]) -> None:
    guilty = [
        path.as_posix()
        for path in tracked
        if path.suffix not in BINARY
        and path.as_posix() != LICENCES
        and FORBIDDEN[what].search((ROOT / path).read_text("utf-8"))
    ]
    assert not guilty


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("home directory", "/ho" + "me/somebody/project"),
        ("package index", "--index-" + "url https://packages.example/simple"),
        ("resolved package", '"resol' + 'ved": "https://packages.example/a.tgz"'),
        ("vendor key", "s" + "k-proj-" + "a1" * 30),
        ("private key", "-----BEGIN " + "PRIVATE KEY-----\n" + "A" * 64),
        ("mail address", "somebody" + "@gmail.com"),
    ],
)
def test_each_of_them_would_be_found(what: str, text: str) -> None:
    assert FORBIDDEN[what].search(text)


def test_what_must_not_be_committed_is_ignored(tracked: list[Path]) -> None:
    assert not [path for path in tracked if {"data", "node_modules", ".venv"} & {path.parts[0], path.parts[-1]}]
    assert Path(".env") not in tracked
