"""Rows as comma-separated values that any spreadsheet reads without running or rounding anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.money import plain

Cell = str | int | Decimal
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""First characters of a formula, half-width and full-width."""


class CsvDialect(StrEnum):
    """A way to write numbers and to separate cells."""

    STANDARD = "standard"
    """Commas between cells, decimal points."""
    EXCEL_BR = "excel-br"
    """Semicolons and decimal commas, as Excel expects them in Brazil."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows below their headers. Numbers are exact: whole ones, or decimals."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def sheet_as_json(sheet: Sheet) -> list[dict[str, str | int]]:
    """Return the rows as JSON data, decimals as exact texts."""
    return [
        {
            name: plain(cell) if isinstance(cell, Decimal) else cell
            for name, cell in zip(sheet.headers, row, strict=True)
        }
        for row in sheet.rows
    ]


def csv_text(sheet: Sheet, dialect: CsvDialect = CsvDialect.STANDARD) -> str:
    """Return comma-separated values with a header line.

    Some texts come from callers: control characters and line breaks are escaped, and texts that spreadsheets would run
    as a formula begin with an apostrophe. Numbers, negative ones too, stay numbers.
    """
    buffer = io.StringIO()
    brazilian = dialect is CsvDialect.EXCEL_BR
    if brazilian:
        buffer.write("\ufeff")  # Excel takes the file for UTF-8 only with this mark
    separator, line_end = (";", "\r\n") if brazilian else (",", "\n")
    writer = csv.writer(buffer, delimiter=separator, lineterminator=line_end)
    for row in (sheet.headers, *sheet.rows):
        writer.writerow([_text(cell, "," if brazilian else ".") for cell in row])
    return buffer.getvalue()


def printable(text: str) -> str:
    """Escape control characters: a caller's text must not control an operator's terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def is_formula(text: str) -> bool:
    """Return True if a spreadsheet would run a text as a formula, or take it for a number."""
    return text.strip()[:1] in _FORMULA or text[:1] in {"\t", "\r"}


def _text(cell: Cell, point: str) -> str:
    if isinstance(cell, Decimal):
        return plain(cell).replace(".", point)
    if isinstance(cell, int):
        return str(cell)
    return f"'{printable(cell)}" if cell and is_formula(cell) else printable(cell)
