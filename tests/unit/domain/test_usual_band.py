"""Properties of the usual band of a value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.usual_band import UsualBand

AMOUNTS = st.floats(min_value=0.01, max_value=1e6)
NOISE = st.lists(st.floats(min_value=0.5, max_value=1.5), min_size=12, max_size=60)


def learned(values: list[float], least: float = 0.0) -> UsualBand:
    band = UsualBand()
    for value in values:
        band = band.after(value, least)
    return band


@given(AMOUNTS, NOISE)
def test_noise_of_half_the_level_is_usual(level: float, noise: list[float]) -> None:
    band = UsualBand()
    for factor in noise:
        band = band.after(level * factor, 0)
        assert not band.outside


@given(AMOUNTS, NOISE, st.floats(min_value=10, max_value=1e6))
def test_ten_times_the_level_is_unusual_at_once(level: float, noise: list[float], factor: float) -> None:
    steady = learned([level * each for each in noise])
    assert steady.after(level * factor, 0).outside
    assert not steady.after(level * factor, level * factor).outside


@given(AMOUNTS, NOISE, st.floats(min_value=10, max_value=1e6))
def test_a_peak_does_not_make_the_next_one_usual(level: float, noise: list[float], factor: float) -> None:
    after = learned([level * each for each in noise]).after(level * factor, 0)
    assert after.after(level * factor, 0).outside
    assert not after.after(level, 0).outside


@given(AMOUNTS, st.floats(min_value=3.5, max_value=1000))
def test_a_new_level_becomes_usual_after_a_while(level: float, factor: float) -> None:
    band = learned([level] * 20)
    assert band.after(level * factor, 0).outside
    assert not learned([level] * 20 + [level * factor] * 200).outside


@given(st.lists(AMOUNTS, max_size=11), AMOUNTS)
def test_nothing_is_unusual_before_the_band_is_known(values: list[float], last: float) -> None:
    assert not learned([*values, last]).outside


@given(st.lists(AMOUNTS, min_size=1, max_size=40), st.sampled_from([0.25, 2.0, 1024.0]))
def test_only_proportions_count(values: list[float], scale: float) -> None:
    assert learned(values).outside == learned([value * scale for value in values]).outside
