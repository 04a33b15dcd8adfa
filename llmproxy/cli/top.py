"""``llmproxy top``."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import asdict

import click

from application.admin.live_rates import MetricsReading, model_rates, project_rates
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.running import settings_or_fail
from llmproxy.settings import Settings

_TIMEOUT = 10
_MODELS = ["model", "provider", "calls/s", "failed", "first byte p50", "p95", "tokens/s"]


@click.command(epilog="Example: llmproxy top --url http://proxy:8000")
@click.option("--url", help="Address of the server.  [default: HOST and PORT, or LLMPROXY_METRICS_PORT]")
@click.option("--interval", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Print one table and end.")
@json_option
def top(url: str | None, interval: float, once: bool, as_json: bool) -> None:
    """Show what a server does at the moment: models with calls, failures, times and tokens, and what projects spend.

    Reads the server's metrics; where they are protected, LLMPROXY_ADMIN_KEY has to be set. Ctrl-C ends it.
    """
    settings = settings_or_fail()
    address = url or f"http://{settings.host}:{settings.llmproxy_metrics_port or settings.port}"
    before = _read(address, settings)
    try:
        while True:
            time.sleep(interval)
            after = _read(address, settings)
            if not once and not as_json:
                click.clear()
            _show(before, after, as_json=as_json)
            if once:
                return
            before = after
    except KeyboardInterrupt:
        return


def _show(before: MetricsReading, after: MetricsReading, *, as_json: bool) -> None:
    models, projects = model_rates(before, after), project_rates(before, after)
    if as_json:
        print_json({"models": [asdict(one) for one in models], "projects": [asdict(one) for one in projects]})
        return
    rows = [
        (
            one.model,
            one.provider,
            f"{one.calls:.1f}",
            f"{one.failed:.0%}",
            _seconds(one.first_byte_p50),
            _seconds(one.first_byte_p95),
            f"{one.tokens:.0f}",
        )
        for one in models
    ]
    click.echo(table(_MODELS, rows, right=frozenset(_MODELS[2:])) if rows else "no calls since the start")
    costs = [(one.project, f"{one.cost:.4f}", one.currency) for one in projects]
    if costs:
        click.echo("\n" + table(["project", "cost/h", "currency"], costs, right=frozenset({"cost/h"})))


def _read(address: str, settings: Settings) -> MetricsReading:
    # Imported late: no other command needs it.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    if not address.startswith(("http://", "https://")):
        raise click.UsageError("--url takes an address such as http://proxy:8000")
    request = urllib.request.Request(f"{address.rstrip('/')}/metrics")  # noqa: S310 - checked above
    if settings.llmproxy_admin_key is not None:
        request.add_header("Authorization", f"Bearer {settings.llmproxy_admin_key.get_secret_value()}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310 - checked above
            text = response.read().decode()
    except urllib.error.HTTPError as error:
        hint = "; LLMPROXY_ADMIN_KEY must be that of the server" if error.code == 401 else ""  # noqa: PLR2004 - a status
        raise click.ClickException(f"{address}/metrics: {error.code} {error.reason}{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise click.ClickException(f"{address}/metrics cannot be read: {reason}") from None
    samples = (
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )
    return MetricsReading(samples, time.monotonic())


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
