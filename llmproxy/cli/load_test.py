"""``llmproxy load-test``."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from domain.load_test import Tier
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.server_api import ServerApi, url_option

_LOOK_SECONDS = 1.0


@click.command(epilog="Example: llmproxy load-test --model gpt-4o-mini --rps 10 --minutes 2 --max-cost 0.50")
@click.option("--model", "models", multiple=True, metavar="MODEL", help="Code or id to call; repeatable, in turn.")
@click.option("--provider", "providers", multiple=True, metavar="NAME", help="Call every deployment of a provider.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier]), default="smoke", show_default=True)
@click.option("--rps", "target_rps", type=float, help="Calls per second.  [default: that of the tier]")
@click.option("--minutes", "duration_minutes", type=float, help="Duration.  [default: that of the tier]")
@click.option("--max-cost", metavar="AMOUNT", help="Most that the test may cost; needed unless all is simulated.")
@click.option("--max-tokens", type=click.IntRange(1), help="Length of an answer.  [default: 64]")
@click.option("--project", metavar="ID", help="Project that pays.  [default: load-test]")
@click.option("--whole", is_flag=True, help="Ask for whole answers instead of streams.")
@url_option
@json_option
def load_test(url: str | None, as_json: bool, **plan: Any) -> None:
    """Let a running server call models at a steady rate, and show times, errors and cost.

    Ctrl-C stops the test. Exit code 1 if a call failed or none was made.
    """
    body = {name: value for name, value in plan.items() if value is not None}
    body |= {"models": list(plan["models"]), "providers": list(plan["providers"]), "stream": not body.pop("whole")}
    api = ServerApi(url)
    state = api.call("POST", "/api/load-test/start", body)
    path = f"/api/load-test/{state['test_id']}"
    try:
        while state["status"] == "running":
            click.echo(_progress(state), err=True)
            time.sleep(_LOOK_SECONDS)
            state = api.call("GET", path)
    except KeyboardInterrupt:
        api.call("POST", f"{path}/stop")
        time.sleep(_LOOK_SECONDS)
        state = api.call("GET", path)
    if as_json:
        print_json(state)
    else:
        click.echo(_result(state))
    sys.exit(1 if state["failed"] or not state["calls"] else 0)


def _progress(state: dict[str, Any]) -> str:
    return (
        f"{state['progress']:4.0%}  {state['calls']} calls, {state['failed']} failed, {state['rps']:.1f}/s, "
        f"p95 {state['latency_ms']['p95'] or 0:.0f} ms, {state['cost']} {state['currency']}"
    )


def _result(state: dict[str, Any]) -> str:
    headers = ("milliseconds", "p50", "p95", "p99", "max")
    rows = [
        (name, *(state[member][header] for header in headers[1:]))
        for name, member in (("first byte", "first_byte_ms"), ("whole answer", "latency_ms"))
    ]
    summary = (
        f"{state['status']}: {state['calls']} calls in {state['elapsed_seconds']} s, {state['rps']}/s, "
        f"{state['failed']} failed, {state['cost']} {state['currency']}"
    )
    lines = [
        summary,
        table(headers, rows, right=frozenset(headers[1:])),
        *(f"{count} x {code}" for code, count in state["errors"].items()),
    ]
    return "\n".join(lines)
