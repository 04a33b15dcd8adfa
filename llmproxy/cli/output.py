"""Output of commands: tables for people, JSON and CSV for machines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from application.admin.messages import Check

F = TypeVar("F", bound=Callable[..., object])


def json_option(command: F) -> F:
    """Add ``--json``, passed on as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(command)


def print_json(value: object) -> None:
    """One JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


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

    Texts that spreadsheets would run as a formula begin with an apostrophe: some of them come from callers.
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


def print_checks(checks: Iterable[Check]) -> None:
    """Print each check on its own line."""
    for check in checks:
        click.echo(f"{check.verdict:<4}  {printable(check.subject)}: {printable(check.text)}")


def checks_as_json(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return the same as JSON data."""
    return [{"verdict": check.verdict.value, "subject": check.subject, "text": check.text} for check in checks]


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
