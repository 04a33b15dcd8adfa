"""``llmproxy serve``."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import select
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import click

from application.admin.audit_trail import AuditedCatalogStore
from application.admin.keys import new_key
from application.errors import StoreUnavailableError
from infra.controllers.addresses import is_loopback
from llmproxy.cli.author import trail_of
from llmproxy.cli.running import place, settings_or_fail
from llmproxy.cli.settings_reload import SettingsReload, reload_in_place
from llmproxy.demo import lines_to_paste, prepare_demo
from llmproxy.listening import base_url, listen
from llmproxy.log_outputs import open_logs
from llmproxy.settings import (
    Authentication,
    Environment,
    Settings,
    SettingsError,
    load_environment,
)
from llmproxy.source_files import SourceFiles
from llmproxy.stores import open_stores
from llmproxy.supervisor import Supervisor
from llmproxy.tracing import check_tracing
from llmproxy.worker import serve as serve_in_worker

logger = logging.getLogger(__name__)

_DEMO_DATA = "./demo-data"
"""Folder of the demo unless DATA_DIR is set: its models and its project do not get into an operator's store."""


@click.command(
    epilog="Example: llmproxy serve --demo --port 8000",
    help="Serve the OpenAI endpoint. With --demo it brings its own models, project and key.",
)
@click.option("--demo", is_flag=True, help="Add simulated models and a project, and print a key and lines to paste.")
@click.option("--host", help="Address to listen on.  [default: HOST or 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on, 0 = any.  [default: PORT or 8000]")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Number of processes below one that replaces them, after a crash or on SIGHUP.  [default: this process alone]",
)
@click.option("--reload", is_flag=True, help="Replace the workers when a source file or .env changes; for development.")
def serve(demo: bool, host: str | None, port: int | None, workers: int | None, reload: bool) -> None:
    """Run the server until it is stopped."""
    settings = settings_or_fail()
    if demo and "data_dir" not in settings.model_fields_set:
        os.environ["DATA_DIR"] = _DEMO_DATA  # for worker processes, too
        settings = settings_or_fail()
    if reload and settings.environment is Environment.PRODUCTION:
        raise click.ClickException("--reload is refused when ENVIRONMENT=production")
    try:
        check_tracing(settings, os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    # First of all: a demo whose port is taken must not give the one that runs there another key.
    address = host or settings.host
    if settings.auth is Authentication.OFF and not is_loopback(address):
        raise click.ClickException(f"AUTH=off listens on a loopback address only, not on {address}")
    os.environ["HOST"] = address  # for worker processes, too
    settings = settings.model_copy(update={"host": address})
    listener = listen(address, settings.port if port is None else port)
    ready: Callable[[str], None] = _announce
    if demo:
        ready = _prepare_demo(settings)
    _raise_file_limit()
    url = base_url(address, listener, tls=settings.llmproxy_tls_cert is not None)
    if workers is None and not reload:
        # Imported late: it brings uvicorn and FastAPI, which no other command needs.
        from llmproxy.server import run_alone  # noqa: PLC0415

        hangup = None if os.isatty(0) else partial(reload_in_place, SettingsReload(settings))
        code = run_alone(listener, lambda: ready(url), hangup)
    else:
        code = _supervise(listener, workers or 1, lambda: ready(url), settings, reload=reload)
    if code == 0:
        _say("llmproxy stopped")
    sys.exit(code)


def _say(text: str) -> None:
    """Print a line, unless nobody reads what was printed before: a full pipe must not keep the process from ending."""
    with suppress(OSError, ValueError):
        if select.select((), (sys.stdout,), (), 0)[1]:
            click.echo(text)


def _supervise(
    listener: socket.socket, workers: int, on_ready: Callable[[], None], settings: Settings, *, reload: bool
) -> int:
    logs, reload_settings = open_logs(settings), SettingsReload(settings)

    def read_settings() -> float | None:
        found = reload_settings()
        return None if found is None else _stop_seconds(found)

    code = Supervisor(
        listener,
        serve_in_worker,
        workers,
        on_ready=on_ready,
        read_settings=read_settings,
        stop_seconds=_stop_seconds(settings),
        changed=SourceFiles.of_product().changed if reload else None,
    ).run()
    logs.close()
    return code


def _stop_seconds(settings: Settings) -> float:
    return settings.llmproxy_drain_delay + settings.llmproxy_drain_seconds


def _prepare_demo(settings: Settings) -> Callable[[str], None]:
    if settings.environment is Environment.PRODUCTION:
        raise click.ClickException("--demo is refused when ENVIRONMENT=production")
    if settings.in_memory:
        raise click.ClickException("--demo needs a DATA_DIR on disk: the server process reads what the command wrote")
    chosen = settings.llmproxy_demo_key
    key = new_key(secrets.token_bytes) if chosen is None else chosen.get_secret_value()
    admin = settings.llmproxy_admin_key
    admin_key = new_key(secrets.token_bytes) if admin is None else admin.get_secret_value()
    # For the server that follows, and its worker processes; also when there are administrators from an earlier demo.
    os.environ.update(LLMPROXY_ADMIN_KEY=admin_key, LLMPROXY_KEEP_ADMIN_KEY="true")

    async def prepare() -> list[str]:
        async with open_stores(settings) as stores:
            catalog = AuditedCatalogStore(stores.catalog, trail_of(stores.audit))
            return await prepare_demo(catalog, load_environment(), key)

    try:
        models = asyncio.run(prepare())
    except StoreUnavailableError as error:
        raise click.ClickException(str(error)) from None
    data = place(settings)
    if not settings.cosmos_url:
        data = f"{data} (for commands: DATA_DIR={data} llmproxy ...)"
    return lambda base_url: click.echo(lines_to_paste(base_url, key, models, data, admin_key))


def _announce(base_url: str) -> None:
    click.echo(f"llmproxy listening on {base_url}/v1")


def _raise_file_limit() -> None:
    """Every caller and every upstream connection is a file; common defaults allow 1,024 of them."""
    if os.name != "posix":
        return
    import resource  # noqa: PLC0415 - does not exist on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
