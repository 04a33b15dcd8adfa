"""``llmproxy backup``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from application.admin.backup import BackedUp, BackupStores, back_up
from domain.documents.write import time_text
from infra.usage_store import codec
from llmproxy.backup_files import BackupError, NewBackup
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores


@click.command(epilog="Example: llmproxy backup /backups/2026-11-29")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def backup(folder: Path, as_json: bool) -> None:
    """Write models, projects, administrators, history, ledger and audit log to DIR, also while servers run.

    Keys are in it as hashes only; keys that were written into model documents are in it as they are.
    """
    now_ms = time.time_ns() // 1_000_000
    try:
        made = NewBackup(folder)
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from None

    async def work(stores: Stores) -> BackedUp:
        return await back_up(backup_stores(stores), made, now_ms)

    try:
        done = with_stores(work)
        made.finish(_facts(done, now_ms))
    except (BackupError, OSError) as error:
        made.abandon()
        raise click.ClickException(str(error)) from None
    except BaseException:
        made.abandon()
        raise
    counts = _facts(done, now_ms) | {"folder": str(folder)}
    if as_json:
        print_json(counts)
        return
    click.echo(f"{done.sums.lines} ledger lines, complete up to {time_text(done.complete_ms)}, verified, in {folder}")
    for document in done.left_out:
        click.echo(f"left out, because it cannot be read: {document}", err=True)


def backup_stores(stores: Stores) -> BackupStores:
    """Return the stores that backups are about."""
    return BackupStores(stores.catalog, stores.usage, stores.audit, codec.encode, codec.decode)


def _facts(done: BackedUp, now_ms: int) -> dict[str, object]:
    return {
        "made_at": time_text(now_ms),
        "complete_up_to": time_text(done.complete_ms),
        "ledger_lines": done.sums.lines,
        "cost_units": {currency: str(units) for currency, units in sorted(done.sums.cost_units.items())},
        "audit_head": done.audit_head,
        "left_out": list(done.left_out),
    }
