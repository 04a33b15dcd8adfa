"""Numbers, money, dates and durations in both languages, and the layout of charts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.controllers.admin_pages.charts import MOST_SERIES, Series, bar_chart, gauge, ranked
from infra.controllers.admin_pages.formats import ENGLISH, MINUS, MISSING, PORTUGUESE, Formats

EN, PT = Formats(ENGLISH, ZoneInfo("UTC")), Formats(PORTUGUESE, ZoneInfo("America/Sao_Paulo"))
MOMENT = int(datetime(2026, 11, 19, 17, 32, 8, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("formatted", "expected"),
    [
        (EN.amount("11331.045"), "11,331.04"),  # half to even
        (PT.amount("11331.045"), "11.331,04"),
        (EN.amount("-0.5"), f"{MINUS}0.50"),
        (EN.amount(None), MISSING),
        (EN.amount("0.0000004", 6), "< 0.000001"),
        (EN.amount("0", 6), "0.000000"),
        (EN.price("2.5"), "2.50"),
        (EN.price("0.0751"), "0.0751"),
        (EN.price("100"), "100.00"),
        (EN.number(1234567), "1,234,567"),
        (EN.number(Decimal("0.1234567890123"), None), "0.1234567890123"),
        (" ".join(EN.compact(412_600_000)), "412.6 M"),
        (" ".join(EN.compact(10_580_000)), "10.58 M"),
        (EN.compact(999)[0], "999"),
        (EN.percent(43, 10_000, 2), "0.43 %"),
        (EN.percent(1, 0), MISSING),
        (EN.change(11, 10), "+10.0 %"),
        (EN.change(9, 10), f"{MINUS}10.0 %"),
        (EN.change(9, 0), MISSING),
        (EN.signed(0), "0.00"),
        (EN.duration(412), "412 ms"),
        (EN.duration(999.6), "1.00 s"),
        (PT.duration(2710), "2,71 s"),
        (EN.duration(None), MISSING),
        (EN.short(Decimal(60000)), "60 k"),
        (EN.short(Decimal("0.005")), "0.005"),
        (EN.day(date(2026, 3, 3)), "3 Mar 2026"),
        (PT.day(date(2026, 3, 3)), "3 mar. 2026"),
        (EN.time(MOMENT), "19 Nov 2026 17:32:08"),
        (PT.now(MOMENT), "Quinta-feira, 19 de novembro de 2026, 14:32:08, America/Sao_Paulo"),
        (EN.ago(MOMENT, MOMENT + 41_000), "41 s ago"),
        (PT.ago(MOMENT, MOMENT + 3 * 86_400_000), "há 3 d"),
    ],
)
def test_values_are_formatted(formatted: str, expected: str) -> None:
    assert formatted == expected


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_amounts_lose_no_digit(amount: Decimal) -> None:
    for formats in (EN, PT):
        text = formats.amount(amount).replace(MINUS, "-").replace(formats.locale.thousands, "")
        assert Decimal(text.replace(formats.locale.decimal, ".")) == amount


@given(st.lists(st.lists(st.decimals(min_value=0, max_value=10**9, places=6), min_size=3, max_size=3), max_size=12))
def test_bars_stay_in_the_chart_and_the_table_has_the_exact_sums(values: list[list[Decimal]]) -> None:
    series = ranked([(f"s{n}", each) for n, each in enumerate(values)], lambda count: f"{count} others")
    assert len(series) <= MOST_SERIES
    chart = bar_chart([("1", "1 Nov"), ("2", "2 Nov"), ("3", "3 Nov")], series, EN, "USD")
    for number, (_, _, total) in enumerate(chart.rows):
        assert total == sum((each[number] for each in values), Decimal())
    for bar in chart.bars:
        for piece in bar.pieces:
            assert 0 <= float(piece.y) <= chart.height
            assert float(piece.height) > 0
    heights = [key.text_y for key in chart.keys]
    assert heights == sorted(heights)


def test_a_bar_marks_the_alert_and_what_is_used_up() -> None:
    calm, late, over = (gauge(Decimal(used), Decimal(0), Decimal(100), Decimal("0.8")) for used in (50, 92, 101))
    assert (calm.level, late.level, over.level) == ("", "warn", "bad")
    assert over.used == "100.00%"
    assert gauge(Decimal(0), Decimal("0.01"), Decimal(100)).reserved == "0.80%"
    assert gauge(Decimal(0), Decimal(0), Decimal(0)).level == "bad"


def test_an_empty_chart_has_an_axis() -> None:
    chart = bar_chart([("1", "1")], [Series("calls", [Decimal()])], EN, "calls")
    assert [text for _, text in chart.ticks] == ["0", "1"]
    assert chart.bars[0].pieces == []
