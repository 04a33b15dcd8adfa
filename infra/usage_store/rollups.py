"""Sums of ledger lines that stores keep: by which dimensions, for which blocks of time, and what a report reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from application.ports.usage_store import Dimension, UsageQuery

QUARTER_MS = 15 * 60 * 1000
SIZES = (QUARTER_MS, 4 * QUARTER_MS, 96 * QUARTER_MS, 30 * 96 * QUARTER_MS)
"""Lengths of the blocks of each level, in UTC from 1970 on: a quarter of an hour, an hour, a day, 30 days. Days of
every time zone are made of quarter-hours; the longer blocks make long periods quick to add up."""
_HOUR = 1
_CALENDAR = frozenset({Dimension.DAY, Dimension.MONTH})


@dataclass(frozen=True, slots=True)
class View:
    """One set of sums.

    Args:
        dimensions: sums are kept for each combination of their values, and for each currency.
        smallest: the lowest level that is kept.
    """

    dimensions: frozenset[Dimension]
    smallest: int = 0

    @property
    def levels(self) -> range:
        """The levels that are kept."""
        return range(self.smallest, len(SIZES))


def _view(*dimensions: Dimension, smallest: int = 0) -> View:
    return View(frozenset(dimensions), smallest)


VIEWS = (
    _view(),
    _view(Dimension.PROVIDER, Dimension.OPERATION),
    _view(Dimension.PROJECT),
    _view(Dimension.MODEL, Dimension.PROVIDER),
    _view(Dimension.PROJECT, Dimension.PROVIDER, Dimension.OPERATION),
    _view(Dimension.PROJECT, Dimension.MODEL),
    _view(Dimension.PROJECT, Dimension.KEY, smallest=_HOUR),
)
"""From few rows to many. Keys can be nearly as many as lines, so their sums are not kept by quarter-hour."""
GENERATION = 2
"""Part of the name of what keeps the sums. To be increased with any change of ``SIZES`` or ``VIEWS``: sums of earlier
generations are then replaced."""


def view_for(query: UsageQuery) -> int | None:
    """Return the number of the first view that has every dimension of a report; None if the lines have to be read."""
    wanted = {dimension for dimension in query.by if dimension not in _CALENDAR}
    wanted |= {dimension for dimension, _ in query.only}
    if query.project is not None:
        wanted.add(Dimension.PROJECT)
    if query.uncounted_in is not None:
        return None
    return next((number for number, view in enumerate(VIEWS) if wanted <= view.dimensions), None)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a period.

    Args:
        level: of the blocks that it is made of; None if its lines have to be read.
        start_ms: first millisecond.
        end_ms: first millisecond after it.
    """

    level: int | None
    start_ms: int
    end_ms: int


def spans(
    view: View, cuts: Sequence[int], usable: Callable[[int, int], bool] = lambda _level, _block: True
) -> list[Span]:
    """Divide a period into the longest blocks that have sums, and the rest, whose lines have to be read.

    Args:
        view: the sums to use.
        cuts: beginning and end of the period in milliseconds, and moments between that no block may contain.
        usable: returns True if the sums of a level and block are up to date.
    """
    found: list[Span] = []
    for start, end in pairwise(cuts):
        for span in _divided(view, start, end, usable):
            if found and found[-1].level == span.level and found[-1].end_ms == span.start_ms:
                found[-1] = Span(span.level, found[-1].start_ms, span.end_ms)
            else:
                found.append(span)
    return found


def _divided(view: View, at: int, end: int, usable: Callable[[int, int], bool]) -> Iterator[Span]:
    longest_first = [(level, SIZES[level]) for level in reversed(view.levels)]
    shortest = SIZES[view.smallest]
    while at < end:
        for level, size in longest_first:
            if at % size == 0 and at + size <= end and usable(level, at // size):
                yield Span(level, at, at + size)
                at += size
                break
        else:
            next_at = min(end, (at // shortest + 1) * shortest)
            yield Span(None, at, next_at)
            at = next_at


def calendar_cuts(query: UsageQuery, zone: ZoneInfo, first_ms: int, end_ms: int) -> list[int]:
    """List the beginning and the end of a period, and each beginning of a day or month of the report between them."""
    cuts = [first_ms]
    if _CALENDAR.intersection(query.by):
        day = datetime.fromtimestamp(first_ms // 1000, zone).date()
        while True:
            step = timedelta(days=1 if Dimension.DAY in query.by else 32)
            day = day + step if Dimension.DAY in query.by else (day.replace(day=1) + step).replace(day=1)
            cut = round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
            if cut >= end_ms:
                break
            cuts.append(cut)
    return [*cuts, end_ms]
