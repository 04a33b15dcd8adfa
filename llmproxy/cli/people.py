"""``llmproxy people``."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import asdict
from pathlib import Path

import click

from application.admin.people import Erased, Person, collect, erase
from infra.usage_store import codec
from llmproxy.cli.author import author_option, trail_of
from llmproxy.cli.output import json_option, print_json, write_private
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores


@click.group(epilog="Example: llmproxy people export ann ann.json")
def people() -> None:
    """Export and erase what names an end user, the `user` that callers send with a call."""


@people.command("export", epilog="Example: llmproxy people export user-4711 user-4711.json")
@click.argument("user")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def export_command(user: str, file: Path, as_json: bool) -> None:
    """Write everything that names USER to FILE, as JSON: ledger lines, and content where it was kept."""

    async def work(stores: Stores) -> Person:
        await _deliver(stores)
        return await collect(stores.usage, stores.content, user)

    found = with_stores(work)
    body = {"user": user, "ledger": [json.loads(codec.encode(line)) for line in found.lines]}
    body["content"] = [asdict(record) for record in found.records]
    try:
        write_private(file, json.dumps(body, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    if as_json:
        print_json({"file": str(file), "ledger": len(found.lines), "content": len(found.records)})
    else:
        click.echo(f"{len(found.lines)} ledger lines and the content of {len(found.records)} calls written to {file}")


@people.command("erase", epilog="Example: llmproxy people erase user-4711 --yes")
@click.argument("user")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@author_option
@json_option
def erase_command(user: str, yes: bool, author: str, as_json: bool) -> None:
    """Erase USER: a random name stands in ledger lines, whose sums stay as they are, and content of calls is removed.

    Calls that are under way are not covered: repeat the command once they have ended.
    """
    del author  # the audit trail finds it in the command's parameters
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody can confirm it without a terminal; add --yes")
        click.confirm("This cannot be undone. Erase?", abort=True, err=True)

    async def work(stores: Stores) -> Erased:
        await _deliver(stores)
        trail = stores.trail or trail_of(stores.audit)
        return await erase(stores.usage, stores.content, user, trail, secrets.token_bytes)

    erased = with_stores(work, changes="a person")
    if as_json:
        print_json(asdict(erased))
    else:
        click.echo(
            f"{erased.lines} ledger lines now name {erased.pseudonym}; the content of {erased.records} calls is removed"
        )


async def _deliver(stores: Stores) -> None:
    """Bring lines that wait in the journal to the ledger."""
    await stores.journal.start(recording=False)
    await stores.journal.flush()
