"""Charts as SVG: x in per cent of the width and y in pixels, so that text keeps its size at every width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from infra.controllers.admin_pages.formats import Formats

MOST_SERIES = 6
_TOP, _BOTTOM = 26.0, 22.0
_NICE = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_GRIDLINES = 4
_MOST_LABELS = 16
_FILL = Decimal("0.72")
_LABEL_HEIGHT = 17.0


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one thing, one for each label of the chart.

    Args:
        name: of the thing.
        values: in the order of the labels.
        colour: CSS class.
    """

    name: str
    values: Sequence[Decimal]
    colour: str = "c1"

    @property
    def total(self) -> Decimal:
        """The sum of its values."""
        return sum(self.values, Decimal())


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A piece of a bar; ``x`` and ``width`` in per cent, ``y`` and ``height`` in pixels."""

    colour: str
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The pieces of one label, with the text that a pointer shows."""

    title: str
    pieces: Sequence[Rectangle]


@dataclass(frozen=True, slots=True)
class Key:
    """An entry beside the chart, at the height of its piece of the last bar."""

    series: Series
    mark_y: float
    text_y: float


@dataclass(frozen=True, slots=True)
class BarChart:
    """Stacked bars, ready for the template.

    Args:
        height: in pixels.
        unit: at the top of the axis.
        ticks: y and text of each gridline.
        bars: one for each label.
        labels: x and text below the bars, and whether it is left out on small screens.
        keys: beside the chart, from the top down.
        series: from the ground up.
        rows: label, values and sum of each bar, for the table.
    """

    height: int
    unit: str
    ticks: Sequence[tuple[float, str]]
    bars: Sequence[Bar]
    labels: Sequence[tuple[str, str, bool]]
    keys: Sequence[Key]
    series: Sequence[Series]
    rows: Sequence[tuple[str, Sequence[Decimal], Decimal]] = field(default=())


def ranked(rows: Sequence[tuple[str, Sequence[Decimal]]], others: Callable[[int], str]) -> list[Series]:
    """Return the largest series, largest first, and the rest as one.

    Args:
        rows: name and values.
        others: names the rest by the number of its members.
    """
    ordered = sorted(rows, key=lambda row: (-sum(row[1]), row[0]))
    most = MOST_SERIES if len(ordered) <= MOST_SERIES else MOST_SERIES - 1
    shown = [Series(name, values, f"c{number}") for number, (name, values) in enumerate(ordered[:most], 1)]
    rest = ordered[most:]
    if rest:
        sums = [sum(column, Decimal()) for column in zip(*(values for _, values in rest), strict=True)]
        shown.append(Series(others(len(rest)), sums, "c0"))
    return shown


def bar_chart(
    labels: Sequence[tuple[str, str]], series: Sequence[Series], formats: Formats, unit: str, *, height: int = 280
) -> BarChart:
    """Lay out stacked bars.

    Args:
        labels: of each bar: the short one below it, and the whole one.
        series: from the ground up.
        formats: of the reader.
        unit: of the values: a currency, ``calls``.
        height: in pixels.
    """
    sums = [sum((one.values[n] for one in series), Decimal()) for n in range(len(labels))]
    step = _step(max(sums, default=Decimal()))
    top = step * max(1, int((max(sums, default=Decimal()) / step).to_integral_value(ROUND_CEILING)))
    ground = height - _BOTTOM
    pixels = Decimal(str(ground - _TOP)) / top
    count = int(top / step)
    ticks = [(round(ground - float(step * n * pixels), 1), formats.short(step * n)) for n in range(count + 1)]
    decimals = 0 if all(value == value.to_integral_value() for value in sums) and not _is_currency(unit) else 2
    bars: list[Bar] = []
    slot = Decimal(100) / max(len(labels), 1)
    for number, (_, long) in enumerate(labels):
        pieces, y = [], Decimal(str(ground))
        for one in series:
            tall = one.values[number] * pixels
            if tall > 0:
                y -= tall
                x = slot * number + slot * (1 - _FILL) / 2
                drawn = max(tall - 1, Decimal("0.5"))
                pieces.append(Rectangle(one.colour, f"{x:.2f}%", f"{slot * _FILL:.2f}%", f"{y:.1f}", f"{drawn:.1f}"))
        shown = formats.number(sums[number], decimals)
        bars.append(Bar(f"{long}: {unit} {shown}" if _is_currency(unit) else f"{long}: {shown} {unit}", pieces))
    every = max(1, -(-len(labels) // _MOST_LABELS))
    below = [
        (f"{slot * number + slot / 2:.2f}%", short, (number // every) % 3 != 0)
        for number, (short, _) in enumerate(labels)
        if number % every == 0
    ]
    rows = [(long, [one.values[n] for one in series], sums[n]) for n, (_, long) in enumerate(labels)]
    return BarChart(height, unit, ticks, bars, below, _keys(series, ground, pixels, labels), list(series), rows)


def _keys(series: Sequence[Series], ground: float, pixels: Decimal, labels: Sequence[object]) -> list[Key]:
    """Place the names beside the last bar, from the ground up, none over another."""
    keys: list[Key] = []
    y, lowest = ground, ground + 4
    for one in series:
        tall = float(one.values[-1] * pixels) if labels else 0.0
        middle = y - tall / 2
        y -= tall
        lowest = min(middle + 4, lowest - (_LABEL_HEIGHT if keys else 0))
        keys.append(Key(one, round(middle, 1), round(lowest, 1)))
    return keys[::-1]


def _step(highest: Decimal) -> Decimal:
    if highest <= 0:
        return Decimal(1)
    rough = highest / _GRIDLINES
    power = Decimal(10) ** rough.adjusted()
    return next(nice * power for nice in _NICE if nice * power >= rough)


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()  # noqa: PLR2004 - ISO 4217


@dataclass(frozen=True, slots=True)
class GaugeBar:
    """A bar of what is used, reserved and left, in per cent of its width.

    Args:
        used: share in use.
        reserved: share that is reserved beside.
        alert: where the alert is; None if there is none.
        level: empty, ``warn`` from the alert on, ``bad`` once nothing is left.
        share: used, in per cent.
    """

    used: str
    reserved: str
    alert: str | None
    level: str
    share: Decimal


_LEAST_RESERVED = Decimal("0.8")
_ALL = Decimal(100)


def gauge(used: Decimal, reserved: Decimal, ceiling: Decimal, alert: Decimal | None = None) -> GaugeBar:
    """Lay out a bar.

    Args:
        used: what is used.
        reserved: what is reserved beside.
        ceiling: the most that may be used.
        alert: share of the ceiling (0 to 1) from which on it is marked.
    """
    share = used * 100 / ceiling if ceiling > 0 else _ALL
    width = min(share, _ALL)
    beside = min(max(reserved * 100 / ceiling, _LEAST_RESERVED), _ALL - width) if reserved > 0 < ceiling else Decimal()
    level = "bad" if share >= _ALL else "warn" if alert is not None and share >= alert * 100 else ""
    return GaugeBar(f"{width:.2f}%", f"{beside:.2f}%", None if alert is None else f"{alert * 100:.2f}%", level, share)


def row_gauge(used: int, whole: int) -> GaugeBar:
    """Lay out a bar of a part of a whole."""
    return gauge(Decimal(used), Decimal(), Decimal(max(whole, 1)))
