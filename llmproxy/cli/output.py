"""Output of commands: tables for people, JSON and CSV for machines."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from application.admin.messages import Check

_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""First characters of a formula, half-width and full-width."""

F = TypeVar("F", bound=Callable[..., object])


def json_option(command: F) -> F:
    """Add ``--json``, passed on as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(command)


def print_json(value: object) -> None:
    """Print one JSON document. Characters that could control a terminal are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo("".join(one if one == "\n" or one.isprintable() else json.dumps(one)[1:-1] for one in text))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, right: frozenset[str] = frozenset()) -> str:
    """Columns in line; those named in ``right`` end at the same place, as numbers should."""
    texts = [list(headers), *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(headers))]
    lines = []
    for row in texts:
        cells = (
            cell.rjust(width) if header in right else cell.ljust(width)
            for header, cell, width in zip(headers, row, widths, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def csv_text(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated values with a header line.

    Some of the texts come from callers: control characters and line breaks are escaped, and texts that spreadsheets
    would run as a formula begin with an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def printable(text: str) -> str:
    """Escape control characters: a caller's text must not control an operator's terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: operators do write keys into documents.

    Raises:
        OSError: it cannot be written.
    """
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - a file descriptor
        if path.is_file():  # no device: as root this would lock everybody out of /dev/null
            path.chmod(0o600)
        file.write(text)


def print_checks(checks: Iterable[Check]) -> None:
    """Print each check on its own line."""
    for check in checks:
        click.echo(f"{check.verdict:<4}  {printable(check.subject)}: {printable(check.text)}")


def checks_as_json(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return the same as JSON data."""
    return [{"verdict": check.verdict.value, "subject": check.subject, "text": check.text} for check in checks]


def _harmless(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if cell.strip()[:1] in _FORMULA or cell[:1] in {"\t", "\r"} else text
