"""``llmproxy health-worker``."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import click

from application.errors import StoreUnavailableError
from application.serving.catalog_view import CatalogView
from application.serving.health_probes import HealthProbes
from application.serving.ledger import Clock, Ledger
from application.use_cases.chat_probe import ChatProbe
from domain.health import ProbeResult
from infra.audio.length import length_ms
from infra.controllers.errors import status_of
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import missing_data, settings_or_fail
from llmproxy.log_outputs import open_logs
from llmproxy.settings import Settings, load_environment
from llmproxy.stores import line_id, open_stores


@click.command(epilog="Example: llmproxy health-worker --once")
@click.option("--once", is_flag=True, help="Probe every deployment whose document has `health` once, print, and end.")
@json_option
def health_worker(once: bool, as_json: bool) -> None:
    """Probe upstreams in a process of its own; servers on the same store then need not.

    With --once the exit code is 1 if a deployment is unavailable.
    """
    settings = settings_or_fail()
    missing = missing_data(settings)
    if settings.in_memory or missing is not None:
        raise click.ClickException(missing or "DATA_DIR=:memory: exists only inside the server process")
    if not once:
        open_logs(settings)
    try:
        results = asyncio.run(_work(settings, once=once))
    except StoreUnavailableError as error:
        raise click.ClickException(str(error)) from None
    if not once:
        click.echo("health worker stopped")
        return
    if as_json:
        print_json([_row(result) for result in results])
    else:
        for result in results:
            click.echo(f"{result.document}: {result.error or 'available'} ({result.seconds:.3f} s)")
    sys.exit(1 if any(result.failed for result in results) else 0)


async def _work(settings: Settings, *, once: bool) -> list[ProbeResult]:
    # Imported late: it brings the adapters of all vendors, which help and errors of usage do not need.
    from llmproxy.providers import following_secrets, make_deployments, make_providers  # noqa: PLC0415

    async with open_stores(settings) as stores, AsyncExitStack() as stack:
        providers = make_providers(settings, load_environment())
        stack.push_async_callback(providers.close)
        clock = Clock(time.time, time.monotonic)
        view = CatalogView(stores.catalog, providers.dispatch.unusable_because, clock.time)
        await view.refresh()
        await stack.enter_async_context(following_secrets(providers, view, make_deployments(settings, clock)))
        ledger = Ledger(stores.journal.record, providers.dispatch.upstream_model, clock, line_id, status_of, length_ms)
        await stores.journal.start(oldest_open_ms=ledger.oldest_open_ms)
        chat = ChatProbe(providers.dispatch, ledger, view)
        probes = HealthProbes(view, providers.dispatch, chat, None, stores.health, clock, first=True)
        if once:
            probed = [document for document in view.catalog.by_id.values() if document.health and document.enabled]
            return list(await probes.probe(probed))
        await _follow(settings, view, probes)
    return []


async def _follow(settings: Settings, view: CatalogView, probes: HealthProbes) -> None:
    """Probe until a signal."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    tasks = [
        asyncio.create_task(view.follow(settings.llmproxy_refresh_interval, lambda: 0.5)),
        asyncio.create_task(probes.run()),
    ]
    click.echo("health worker started")
    await stopped.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _row(result: ProbeResult) -> dict[str, object]:
    return {
        "document": result.document,
        "available": not result.failed,
        "last_check": datetime.fromtimestamp(result.time, UTC).isoformat(timespec="milliseconds"),
        "response_time": round(result.seconds, 4),
        "error": result.error,
    }
