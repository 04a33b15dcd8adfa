"""The figures as Markdown: for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.measure import Record
from bench.scaling import SIZES, Scaling
from bench.scenarios import Scenario
from bench.targets import Verdict, ratio

COMPARED = (("litellm", "LiteLLM Proxy"), ("tensorzero", "TensorZero"), ("nginx", "nginx"))
RATIO_SCENARIOS = ("unary", "single", "burst", "paced", "image")
OTHER_SCENARIOS = ("embeddings", "picture", "upload", "speech", "uploads")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table; the first column is text, the others are figures."""
    lines = [f"| {' | '.join(head)} |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def number(value: float | None, digits: int = 3) -> str:
    """Format a figure with about ``digits`` significant digits, or a dash if it is missing."""
    if value is None or value != value:  # noqa: PLR0124 - the test for NaN
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.{digits}g}'):g}"


def _middle(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def scenario_table(records: Mapping[str, Record], scenario: Scenario) -> str:
    rows = []
    for record in records.values():
        if scenario.name not in record.scenarios:
            continue
        cpu, busy = (record.median(scenario.name, figure) for figure in ("cpu_ms", "busy"))
        started = bool(record.cold_start)
        rows.append(
            (
                record.gateway.title,
                number(cpu) if started else "-",
                number(cpu and cpu * 1000) if started else "-",
                number(record.median(scenario.name, "calls_per_second")),
                number(record.median(scenario.name, "p50_ms")),
                number(record.median(scenario.name, "p99_ms")),
                f"{100 * (busy or 0):.0f} %" if started else "-",
                number(record.median(scenario.name, "peak_mb")) if started else "-",
            )
        )
    head = ("", "CPU ms per call", "CPU ms per 1,000 calls", "calls/s", "p50 ms", "p99 ms", "core busy", "peak MB")
    return table(head, rows)


def process_table(records: Mapping[str, Record]) -> str:
    rows = [
        (
            record.gateway.title,
            number(_middle(record.cold_start)),
            number(_middle(record.idle_mb)),
            number(_middle(record.after_mb)),
            number(_middle(record.peak_mb)),
        )
        for record in records.values()
        if record.cold_start
    ]
    return table(("", "cold start s", "MB after the first answer", "MB after the scenarios", "peak MB"), rows)


def ratio_table(records: Mapping[str, Record], scenarios: Sequence[str]) -> str:
    rows = []
    for name, title in COMPARED:
        figures = [ratio(records, "llmproxy", name, scenario) for scenario in scenarios]
        if any(figures):
            rows.append((title, *(number(figure) for figure in figures)))
    return table(("our CPU per call divided by that of", *scenarios), rows)


def target_table(verdicts: Iterable[Verdict]) -> str:
    rows = [
        (
            verdict.what,
            f"{number(verdict.measured)}{verdict.unit if verdict.measured is not None else ''}",
            verdict.bound(verdict.first),
            verdict.reaches(verdict.first),
            verdict.bound(verdict.goal),
            verdict.reaches(verdict.goal),
        )
        for verdict in verdicts
    ]
    return table(("", "measured", "first", "verdict", "goal", "verdict"), rows)


def scaling_table(scaling: Scaling) -> str:
    sizes = [(f"{models:,} / {keys:,}", number(scaling.median((models, keys)))) for models, keys in SIZES]
    memory = [(f"{calls:,}", number(megabytes)) for calls, megabytes in scaling.memory]
    litellm = [
        ("ours, model served through LiteLLM (its price and log bookkeeping off)", number(scaling.litellm_ms)),
        ("`litellm.acompletion` alone, as it comes", number(scaling.bare_ms)),
    ]
    return "\n\n".join(
        (
            table(("model documents / keys", "CPU ms per call"), sizes),
            table(("calls so far", "resident MB"), memory),
            table(("one call at 32 connections", "CPU ms"), litellm),
        )
    )


def machine() -> list[tuple[str, str]]:
    """Describe what the figures depend on, without naming the machine."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in cpu.splitlines() if line.startswith("model name")), "unknown")
    kernel = platform.release().split("-")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rows = [
        ("processor", f"{model}, {len(os.sched_getaffinity(0))} cores"),
        ("memory", f"{memory:.0f} GiB"),
        ("kernel", f"Linux {kernel}"),
        ("Python", platform.python_version()),
    ]
    return rows + [(package, version(package)) for package in ("uvicorn", "uvloop", "httptools", "msgspec", "litellm")]


def document(
    records: Mapping[str, Record],
    scenarios: Sequence[Scenario],
    verdicts: Sequence[Verdict],
    scaling: Scaling | None,
    facts: Mapping[str, str],
) -> str:
    """All of docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        "Written by `make bench` (`.venv/bin/python -m bench`); do not edit. " + METHOD,
        f"Date: {datetime.now(UTC):%Y-%m-%d}. " + " ".join(f"{name}: {value}." for name, value in facts.items()),
        "## Targets",
        target_table(verdicts),
        "## Against the others",
        ratio_table(records, RATIO_SCENARIOS),
        ratio_table(records, OTHER_SCENARIOS),
    ]
    for scenario in scenarios:
        parts += [f"### {scenario.title}", scenario_table(records, scenario)]
    parts += ["### Processes", process_table(records)]
    parts += [f"- {record.gateway.title}: {record.failed}" for record in records.values() if record.failed]
    parts += [f"{record.gateway.title}: {record.checked}." for record in records.values() if record.checked]
    if scaling is not None:
        parts += ["## How our cost grows", scaling_table(scaling)]
    shown = [record.gateway for record in records.values() if not record.failed]
    features = [(gateway.title, gateway.version() or "-", gateway.features) for gateway in shown]
    parts += ["## What was switched on", table(("", "version", "does to every call"), features).replace("---:", "---")]
    parts += ["## Machine", table(("", ""), machine()).replace("---:", "---")]
    return "\n\n".join(parts) + "\n"


METHOD = """\
Everything runs on loopback: one gateway at a time alone on one core, the mock upstream and the load generator together
on another. Each figure is the median over the rounds; every round starts every gateway anew. CPU is user and system
time of all processes of the gateway, as the kernel accounts for it, divided by the answered calls. Every answer is
checked (status, completeness, `[DONE]`); a run with an invalid response is discarded.

*core busy* tells how to read calls/s: well below 100 % the gateway was waiting for the tools, which are written in
Python and share a core, and calls/s and latency are theirs (the row "direct" is what they reach without a gateway).
CPU per call does not depend on that, except that a gateway that waits has fewer events to handle in one go, which costs
the fast ones a little. "Peak" is the sum of the peaks of a gateway's processes."""
