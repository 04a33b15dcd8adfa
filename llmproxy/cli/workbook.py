"""Workbooks of Excel. The only module that imports openpyxl, which the extra ``xlsx`` installs."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from application.admin.export import Cell, Sheet, is_formula, printable
from domain.money import plain

_DIGITS = 15
"""Digits that a number of a spreadsheet holds."""


def workbook(sheet: Sheet, title: str) -> bytes:
    """Return a workbook with one sheet.

    A spreadsheet rounds numbers to 15 digits: beside each column of decimals stands another with the exact amounts as
    text. Texts are stored as texts, also those that look like a formula.

    Raises:
        ImportError: openpyxl is not installed.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - an optional dependency, slow to import
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - the same

    book = Workbook(write_only=True)
    page = book.create_sheet(title)
    page.freeze_panes = "A2"
    exact = {place for row in sheet.rows for place, cell in enumerate(row) if isinstance(cell, Decimal)}

    def text(value: str) -> Any:
        cell = WriteOnlyCell(page, printable(value))
        cell.data_type = "s"
        cell.quotePrefix = is_formula(value)
        return cell

    def cells(place: int, value: Cell) -> list[Any]:
        if place in exact:
            shown = float(value) if isinstance(value, Decimal | int) else None
            return [shown, text(plain(value) if isinstance(value, Decimal) else str(value))]
        if isinstance(value, int):
            return [value if len(str(abs(value))) <= _DIGITS else text(str(value))]
        return [text(str(value))]

    headers = [[name, f"{name}_exact"] if place in exact else [name] for place, name in enumerate(sheet.headers)]
    page.append([text(name) for names in headers for name in names])
    for row in sheet.rows:
        page.append([cell for place, value in enumerate(row) for cell in cells(place, value)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
