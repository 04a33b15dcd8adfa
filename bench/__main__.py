"""``python -m bench``: every gateway, every scenario, the targets, docs/benchmarks.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.gateways import OTHERS
from bench.install import NotAvailableError
from bench.measure import FailedRunError, Record, measure
from bench.ours import OURS
from bench.processes import ROOT, gateway_core, tool_core
from bench.scaling import Plan, Scaling, scale
from bench.scenarios import SCENARIOS, Scenario
from bench.targets import verdicts

GATEWAYS = (*OTHERS, OURS)
PAGE = ROOT / "docs" / "benchmarks.md"
QUICK_SHARE = 0.25
QUICK_PLAN = Plan(seconds=1.0, rounds=1, calls=50_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 1 where a target of the first column does not hold or a gateway could not be measured."""
    options = _options(arguments)
    whole = not (options.quick or options.only or options.scenario)
    scenarios = [s for s in SCENARIOS if not options.scenario or s.name in options.scenario]
    records = {g.name: Record(g) for g in GATEWAYS if not options.only or g.name in options.only}
    started = time.monotonic()
    rounds = options.rounds or (1 if options.quick else 3)
    for number in range(1, rounds + 1):
        for record in records.values():
            if not record.failed:
                print(f"round {number} of {rounds}: {record.gateway.title}", flush=True)
                _measure(record, scenarios, QUICK_SHARE if options.quick else 1.0)
    scaling = None if options.no_scaling or options.only or options.scenario else _scale(quick=options.quick)
    found = verdicts(records, scaling)
    facts = {"rounds": str(rounds), "duration": f"{(time.monotonic() - started) / 60:.0f} minutes"}
    text = report.document(records, scenarios, found, scaling, facts)
    print(text)
    if whole:
        PAGE.write_text(text, encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}")
    failed = any(record.failed for record in records.values())
    return int(failed or any(verdict.reaches(verdict.first) == "does not hold" for verdict in found))


def _measure(record: Record, scenarios: Sequence[Scenario], share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            measure(record, scenarios, work, share=share)
        except (FailedRunError, NotAvailableError, ValueError, subprocess.SubprocessError) as error:
            record.failed = f"not measured: {error}"
            print(f"{record.gateway.title}: {error}", file=sys.stderr)
            log = work / "gateway.log"
            if log.exists():
                print(log.read_text(errors="replace")[-2000:], file=sys.stderr)


def _scale(*, quick: bool) -> Scaling | None:
    try:
        return scale(QUICK_PLAN if quick else Plan())
    except (FailedRunError, subprocess.SubprocessError) as error:
        print(f"scaling: {error}", file=sys.stderr)
        return None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, a minute or two; nothing is written")
    parser.add_argument("--only", action="append", choices=[g.name for g in GATEWAYS], help="this gateway (repeatable)")
    parser.add_argument(
        "--scenario", action="append", choices=[s.name for s in SCENARIOS], help="this scenario (repeatable)"
    )
    parser.add_argument("--rounds", type=int, default=0, help="how often everything is measured (3)")
    parser.add_argument("--no-scaling", action="store_true", help="leave out how our own cost grows")
    options = parser.parse_args(arguments)
    if gateway_core() == tool_core():
        parser.error("two cores are needed: one for the gateway, one for the tools")
    return options


if __name__ == "__main__":
    sys.exit(main())
