"""``llmproxy chaos``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from domain.documents.chaos import read_experiment
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.server_api import ServerApi, url_option

_LOOK_SECONDS = 1.0


@click.group(epilog="Example: llmproxy chaos run experiment.json")
def chaos() -> None:
    """Faults that are injected on purpose."""


@chaos.command("run", epilog="Example: llmproxy chaos run slow.json")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@url_option
@json_option
def run_command(file: Path, url: str | None, as_json: bool) -> None:
    """Run the experiment in FILE in a running server, until it ends or Ctrl-C stops it.

    FILE is JSON with experiment_name, duration_minutes and faults. The server needs LLMPROXY_CHAOS and
    LLMPROXY_ADMIN_KEY.
    """
    body = _read(file)
    api = ServerApi(url)
    state = api.call("POST", "/api/chaos/start", body)
    click.echo(f"{state['experiment_name']} runs until {state['ends_at']}", err=True)
    try:
        while state["running"]:
            time.sleep(min(_LOOK_SECONDS, state["remaining_seconds"] + 0.1))
            state = api.call("GET", "/api/chaos")
    except KeyboardInterrupt:
        state = api.call("POST", "/api/chaos/stop")
    if as_json:
        print_json(state)
        return
    rows = [(fault["type"], fault["target"], fault["probability"], fault["injected"]) for fault in state["faults"]]
    headers = ("fault", "target", "probability", "injected")
    click.echo(table(headers, rows, right=frozenset({"probability", "injected"})))


def _read(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{file} is not JSON: {error}") from None
    if isinstance(body, dict):
        body = body.get("chaos_engineering", body)
    experiment, faults = read_experiment(body, time.time())
    if experiment is None:
        raise click.ClickException("\n".join(f"{file}: {fault}" for fault in faults))
    return dict(body)
