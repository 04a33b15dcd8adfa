"""Output of commands: tables for people, JSON, YAML and CSV for machines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from application.admin import export
from application.admin.export import Cell, CsvDialect, Sheet, csv_text, sheet_as_json
from application.admin.messages import Check
from domain.documents import exact_json
from domain.documents.values import closest

printable = export.printable
"""Escape control characters: a caller's text must not control an operator's terminal."""

F = TypeVar("F", bound=Callable[..., object])
_FORMATS = ("table", "json", "yaml", "csv")
_META = "llmproxy.output"


def json_option(command: F) -> F:
    """Add ``--json``, ``-o`` and ``--columns``. ``as_json`` is true unless the command prints its own text.

    What the command then passes to :func:`print_json` is printed in the format that was asked for.
    """

    @wraps(command)
    def run(*args: Any, as_json: bool, output: str | None, columns: str | None, **others: Any) -> object:
        if as_json and output not in {None, "json"}:
            raise click.UsageError(f"--json and -o {output} are mutually exclusive")
        chosen = "json" if as_json else output or "table"
        names = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
        click.get_current_context().meta[_META] = (chosen, names)
        return command(*args, as_json=chosen != "table" or names is not None, **others)

    for option in (
        click.option("--columns", metavar="NAMES", help="Only these columns, separated by commas."),
        click.option("-o", "--output", type=click.Choice(_FORMATS), help="Output format.  [default: table]"),
        click.option("--json", "as_json", is_flag=True, help="The same as -o json."),
    ):
        option(run)
    return run  # type: ignore[return-value]  # the options that it adds are taken away again


def choose_csv() -> None:
    """Print CSV, as with ``-o csv``: for commands that have an option of their own for it.

    Raises:
        click.UsageError: another format was asked for.
    """
    meta = click.get_current_context().meta
    chosen, columns = meta[_META]
    if chosen not in {"table", "csv"}:
        raise click.UsageError(f"-o {chosen} and options for CSV are mutually exclusive")
    meta[_META] = ("csv", columns)


def print_json(value: object, sheet: Sheet | None = None, dialect: CsvDialect = CsvDialect.STANDARD) -> None:
    """Print a result in the format that was asked for. Characters that could control a terminal are escaped.

    Args:
        value: JSON data.
        sheet: its rows; if None they are the value itself, its member ``rows``, or its only list of objects.
        dialect: how CSV is written.
    """
    _print(json.dumps(value, indent=2, ensure_ascii=False), sheet, dialect)


def print_exact_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """Print a result whose numbers keep their digits; see :func:`print_json`."""
    _print(exact_json.encode(value, indent=True), None, CsvDialect.STANDARD)


def _print(text: str, sheet: Sheet | None, dialect: CsvDialect) -> None:
    chosen, columns = click.get_current_context().meta.get(_META, ("json", None))
    if chosen != "json" or columns is not None:
        value = json.loads(text, parse_float=Decimal)
        rows = _list_of(value) if sheet is None else sheet_as_json(sheet)
        if columns is not None:
            value = rows = _selected(rows, columns)
        if chosen == "json":
            text = exact_json.encode(value, indent=True)
        elif chosen == "yaml":
            text = _yaml(value)
        else:
            shown = sheet if sheet is not None and columns is None else _as_sheet(rows, columns, sheet)
            if chosen == "csv":
                click.echo(csv_text(shown, dialect), nl=False)  # it has no character that could control a terminal
                return
            text = _plain_table(shown)
    click.echo("".join(one if one == "\n" or one.isprintable() else json.dumps(one)[1:-1] for one in text))


def _yaml(value: object) -> str:
    import yaml  # noqa: PLC0415 - commands that print none start faster

    class Dumper(yaml.SafeDumper):
        """Writes decimals with all their digits."""

    Dumper.add_representer(
        Decimal, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", str(number))
    )
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text.rstrip("\n")


def _list_of(value: object) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list) and each and isinstance(each[0], dict)]
        value = value.get("rows", lists[0] if len(lists) == 1 else [value])
    return [row if isinstance(row, dict) else {"value": row} for row in (value if isinstance(value, list) else [value])]


def _selected(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    known = {name for row in rows for name in row}
    for name in names:
        if rows and name not in known:
            meant = closest(name, known)
            hint = f"did you mean {meant!r}?" if meant else f"choose from {', '.join(sorted(known))}"
            raise click.UsageError(f"unknown column {name!r}; {hint}")
    return [{name: row.get(name) for name in names} for row in rows]


def _as_sheet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None, exact: Sheet | None) -> Sheet:
    """Return rows as a sheet; cells of another sheet, which knows numbers from texts, are taken from there."""
    headers = list(dict.fromkeys(name for row in rows for name in row)) or list(columns or ())
    if exact is not None and rows:
        places = [list(exact.headers).index(name) for name in headers]
        return Sheet(headers, [[row[place] for place in places] for row in exact.rows])
    return Sheet(headers, [[_cell(row.get(name)) for name in headers] for row in rows])


def _cell(value: object) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str | int | Decimal) else exact_json.encode(value)


def _plain_table(sheet: Sheet) -> str:
    columns = zip(*sheet.rows, strict=True)
    numeric = (all(isinstance(cell, int | Decimal) for cell in column) for column in columns)
    right = frozenset(name for name, number in zip(sheet.headers, numeric, strict=False) if number)
    return table(sheet.headers, sheet.rows, right=right)


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
