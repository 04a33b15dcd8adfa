"""``llmproxy restore``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from application.admin.backup import LedgerSums
from application.admin.messages import CommandError
from application.admin.restore import restore as restore_stores
from application.errors import ConflictError, DocumentRefusedError, StoreUnavailableError
from llmproxy.backup_files import BackupError, ExistingBackup
from llmproxy.cli.author import trail_of
from llmproxy.cli.backup import backup_stores
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import place, settings_or_fail
from llmproxy.settings import Settings
from llmproxy.stores import open_stores


@click.command(epilog="Example: DATA_DIR=/srv/new llmproxy restore /backups/2026-11-29")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def restore(folder: Path, as_json: bool) -> None:
    """Restore a backup in DIR to the stores of the settings, which must be empty, and compare them with it.

    The stores may be of the other kind: so documents and ledger move from SQLite to Cosmos DB, or back.
    """
    settings = settings_or_fail()
    if settings.in_memory:
        raise click.ClickException("DATA_DIR=:memory: keeps nothing")
    try:
        found = ExistingBackup(folder)
        found.verify()
        sums = asyncio.run(_restore(settings, found))
    except (
        BackupError,
        CommandError,
        ConflictError,
        DocumentRefusedError,
        StoreUnavailableError,
        OSError,
        EOFError,
    ) as error:
        raise click.ClickException(str(error)) from None
    facts = {name: file["lines"] for name, file in found.files.items()}
    if as_json:
        print_json({"restored": facts, "place": place(settings)})
    else:
        click.echo(f"{facts['models']} models, {facts['projects']} projects and {sums.lines} ledger lines are restored")


async def _restore(settings: Settings, found: ExistingBackup) -> LedgerSums:
    async with open_stores(settings, create=True) as stores:
        return await restore_stores(backup_stores(stores), found, trail_of(stores.audit))
