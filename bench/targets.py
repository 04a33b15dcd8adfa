"""The targets of record, and whether the figures of this run reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.measure import Record
from bench.scaling import Scaling


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and what was measured.

    Args:
        what: the figure.
        measured: the figure; None if not measured in this run.
        first: the bound that must hold.
        goal: the bound aimed at.
        unit: goes behind a figure.
        at_least: more is better.
    """

    what: str
    measured: float | None
    first: float
    goal: float
    unit: str = "x"
    at_least: bool = False

    def reaches(self, bound: float) -> str:
        if self.measured is None:
            return "not measured"
        good = self.measured >= bound if self.at_least else self.measured <= bound
        return "holds" if good else "does not hold"

    def bound(self, value: float) -> str:
        return f"{'>=' if self.at_least else '<='} {value:g}{self.unit}"


def ratio(records: Mapping[str, Record], above: str, below: str, scenario: str) -> float | None:
    """CPU per call of one gateway divided by that of another."""
    if above not in records or below not in records:
        return None
    return _divide(records[above].median(scenario, "cpu_ms"), records[below].median(scenario, "cpu_ms"))


def verdicts(records: Mapping[str, Record], scaling: Scaling | None) -> list[Verdict]:
    """Every target of record, in order."""
    ours = records.get("llmproxy")
    found = [
        Verdict(
            "unary: CPU of LiteLLM Proxy in CPU of ours",
            ratio(records, "litellm", "llmproxy", "unary"),
            40,
            110,
            at_least=True,
        ),
        Verdict("unary: our CPU against TensorZero's", ratio(records, "llmproxy", "tensorzero", "unary"), 1.0, 0.4),
        Verdict(
            "burst stream: our CPU against TensorZero's", ratio(records, "llmproxy", "tensorzero", "burst"), 0.4, 0.12
        ),
        Verdict(
            "paced stream: our CPU against TensorZero's", ratio(records, "llmproxy", "tensorzero", "paced"), 1.1, 0.6
        ),
        Verdict("added latency, one connection, p50", _added_latency(records), 0.5, 0.25, " ms"),
        Verdict("cold start until the first answer", _worst(ours.cold_start if ours else []), 2, 1, " s"),
    ]
    if ours is not None and ours.scenarios.get("uploads"):
        found.append(
            Verdict("100 uploads of 20 MB at once, peak memory", ours.median("uploads", "peak_mb"), 600, 200, " MB")
        )
    return found + _scaling_verdicts(scaling)


def _scaling_verdicts(scaling: Scaling | None) -> list[Verdict]:
    memory = scaling.memory if scaling is not None else []
    calls, last = memory[-1] if memory else (0, None)
    growth = _divide(last, memory[0][1]) if memory else None
    return [
        Verdict(f"resident memory after {calls:,} calls", last, 120, 90, " MB"),
        Verdict("the same against the memory after the first tenth (flat)", growth, 1.1, 1.05),
        Verdict(
            "cost per call, 10,000 model documents against 10",
            scaling.change((10_000, 10)) if scaling else None,
            1.1,
            1.05,
        ),
        Verdict(
            "cost per call, 100,000 keys against 10", scaling.change((10, 100_000)) if scaling else None, 1.1, 1.05
        ),
        Verdict(
            "a call through LiteLLM against the bare SDK call, CPU",
            _divide(scaling.litellm_ms, scaling.bare_ms) if scaling else None,
            1.15,
            1.05,
        ),
    ]


def _added_latency(records: Mapping[str, Record]) -> float | None:
    if "llmproxy" not in records or "direct" not in records:
        return None
    ours, direct = records["llmproxy"].median("single", "p50_ms"), records["direct"].median("single", "p50_ms")
    return None if ours is None or direct is None else ours - direct


def _worst(values: list[float]) -> float | None:
    return max(values) if values else None


def _divide(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None
