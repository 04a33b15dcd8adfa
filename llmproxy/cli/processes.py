"""``llmproxy usage processes``: the processes that write the ledger, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence

import click

from application.admin.completeness import WRITER_COLUMNS, writer_as_json
from application.ports.usage_store import LedgerWriter
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores


@click.command("processes", epilog="Example: llmproxy usage processes --forget 4711-1a2b3c4d5e6f")
@click.option("--forget", metavar="ID", help="Remove a process whose disk is lost, with the lines that it still held.")
@json_option
def processes_command(forget: str | None, as_json: bool) -> None:
    """List the processes that write the ledger: up to when their lines are in the store, what they hold or lost."""

    async def work(stores: Stores) -> Sequence[LedgerWriter]:
        found = await stores.usage.writers()
        if forget is None:
            return found
        if forget not in {writer.id for writer in found}:
            raise click.ClickException(f"unknown process {forget!r}; see `llmproxy usage processes`")
        await stores.usage.remove_writer(forget)
        return [writer for writer in found if writer.id != forget]

    writers = with_stores(work)
    if as_json:
        print_json([writer_as_json(writer) for writer in writers])
        return
    rows = [list(writer_as_json(writer).values()) for writer in writers]
    click.echo(table(WRITER_COLUMNS, rows, right=frozenset({"waiting", "lost", "rejected"})))
