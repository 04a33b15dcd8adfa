"""Usage reports as tables that fit the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from application.admin.export import Cell
from application.admin.usage import UNPRICED, UsageReport, cells, used, without_price_by_model
from application.admin.usage_export import COMPARED, ComparedRow
from domain.billing_units import REPORTED
from domain.money import plain
from llmproxy.cli.output import printable, table

_ALWAYS = frozenset({"calls", "cost", "currency"})
_LEAST = (
    *("implausible", "exposure", "inexact", "unpriced", "failed", "cached_tokens"),
    *(unit.column for unit in reversed(REPORTED) if unit.column != "cached_tokens"),
)
"""Columns that are left out where the table is too wide, the first ones first."""
_SHORT = {unit.column: unit.column.removesuffix("_tokens") for unit in REPORTED}


def usage_table(found: UsageReport) -> str:
    """Return a report with its totals. Columns that are empty in every row are left out."""
    if not found.rows:
        return "no calls"
    labels = [found.labels(row) for row in found.rows]
    numbers = [cells(row, found) for row in found.rows]
    if found.by:
        blank = [""] * (len(found.headers) - 1)
        labels += [["total", *blank] for _ in found.totals]
        numbers += [cells(total, found, total=True) for total in found.totals]
    names = [name for name in numbers[0] if name not in UNPRICED and _wanted(name, numbers)]
    lines = _fitting(found.headers, labels, names, numbers)
    return "\n".join([*lines, *_without_price(found)])


def comparison_table(found: UsageReport, rows: Sequence[ComparedRow], totals: Sequence[ComparedRow]) -> str:
    """Return two periods beside each other, with their totals."""
    if not rows:
        return "no calls"
    labels = [[*row.labels] for row in rows]
    if found.by:
        labels += [["total", *[""] * (len(found.headers) - 1)] for _ in totals]
    shown = [*rows, *totals] if found.by else list(rows)
    numbers = [{name: _shown(name, cell) for name, cell in row.cells().items()} for row in shown]
    return "\n".join(_fitting(found.headers, labels, list(COMPARED), numbers))


def _shown(name: str, cell: Cell) -> str:
    if name not in {"change", "change_percent"} or isinstance(cell, str):
        return str(cell) if isinstance(cell, int | str) else plain(cell)
    return f"{'+' if cell > 0 else ''}{plain(cell) if not isinstance(cell, int) else cell}" + (
        " %" if name == "change_percent" else ""
    )


def _wanted(name: str, numbers: Sequence[dict[str, int | str]]) -> bool:
    if name == "exposure":
        return any(row["exposure"] != row["cost"] for row in numbers)
    return name in _ALWAYS or any(str(row[name]) != "0" for row in numbers)


def _fitting(
    headers: Sequence[str],
    labels: Sequence[Sequence[str]],
    names: list[str],
    numbers: Sequence[Mapping[str, int | str]],
) -> Iterator[str]:
    width, dropped = shutil.get_terminal_size().columns, []
    while True:
        texts = table(
            [*headers, *(_SHORT.get(name, name) for name in names)],
            [[*label, *(row[name] for name in names)] for label, row in zip(labels, numbers, strict=True)],
            right=frozenset(_SHORT.get(name, name) for name in names if name != "currency"),
        )
        less = next((name for name in _LEAST if name in names), None)
        if less is None or max(map(len, texts.splitlines())) <= width:
            break
        names = [name for name in names if name != less]
        dropped.append(less)
    yield texts
    if dropped:
        yield "\n" + textwrap.fill(
            f"not shown: {', '.join(reversed(dropped))}; --csv and --json have every column", width
        )


def _without_price(found: UsageReport) -> Iterator[str]:
    rows = without_price_by_model(found)
    if rows:
        yield "\nused without a price, so in no cost:"
    for row in rows:
        calls = "1 call" if row.calls == 1 else f"{row.calls} calls"
        yield f"  {printable(row.model)}: {' '.join(used(row))} in {calls}"
