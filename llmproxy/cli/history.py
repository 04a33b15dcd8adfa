"""``llmproxy catalog history`` and ``rollback``."""

from __future__ import annotations

import click

from application.admin.history import PastVersion, past_versions, rollback
from application.admin.messages import few
from application.admin.plan import Plan
from application.admin.plan_json import plan_as_json, time_of, version_as_json
from llmproxy.cli.author import author_option, now_ms
from llmproxy.cli.output import json_option, print_exact_json, printable, table
from llmproxy.cli.plan_view import paint, print_fields, print_plan
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

_MOST_FIELDS = 3


@click.command("history", epilog="Example: llmproxy catalog history gpt-4-azure")
@click.argument("document_id", metavar="[ID]", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most this many.")
@json_option
def history_command(document_id: str | None, limit: int, as_json: bool) -> None:
    """List the versions of the model document ID: when, who, and what changed. Without ID the latest of all documents.

    Changes made by these commands are recorded. A change made in the store directly is recorded at the next of
    them, and then kept as a version that was found.
    """

    async def work(stores: Stores) -> list[PastVersion]:
        return await past_versions(stores.catalog, document_id, limit=limit)

    versions = with_stores(work)
    if as_json:
        print_exact_json([version_as_json(version) for version in versions])
    elif not versions:
        click.echo("no version is kept" + ("" if document_id is None else f" of {document_id!r}"), err=True)
    elif document_id is None:
        rows = [
            (one.entry.document_id, one.entry.version, time_of(one), _who(one), one.entry.change, _what(one))
            for one in versions
        ]
        click.echo(table(["id", "version", "when", "who", "how", "what"], rows, right=frozenset({"version"})))
    else:
        for version in versions:
            _print(version)


@click.command("rollback", epilog="Example: llmproxy catalog rollback gpt-4-azure 3")
@click.argument("document_id", metavar="ID")
@click.argument("version", metavar="VERSION", type=click.IntRange(1))
@author_option
@json_option
def rollback_command(document_id: str, version: int, author: str, as_json: bool) -> None:
    """Put VERSION of the model document ID back, also when the document was removed. `catalog history` names versions.

    This makes a new version. Nothing is written if the old one has errors by today's rules, or if someone changes the
    document meanwhile.
    """

    def announce(plan: Plan) -> None:
        if not as_json:
            print_plan(plan)

    async def work(stores: Stores) -> Plan:
        return await rollback(stores.catalog, document_id, version, author=author, now_ms=now_ms(), announce=announce)

    plan = with_stores(work, changes=f"model {document_id}")
    if as_json:
        print_exact_json({"id": document_id, "version": version, **plan_as_json(plan)})
    elif plan.steps:
        click.echo(f"{printable(document_id)} is as it was in version {version}")
    else:
        click.echo(f"no change: {printable(document_id)} is as in version {version} already")


def _print(version: PastVersion) -> None:
    entry = version.entry
    what = f"{entry.change} {printable(entry.note)}".rstrip()
    current = f"  {paint('current', 'green')}" if version.current else ""
    click.echo(f"version {entry.version}  {time_of(version)}  {printable(_who(version))}  {what}{current}")
    print_fields(version.changes)


def _who(version: PastVersion) -> str:
    return version.entry.author or "unknown"


def _what(version: PastVersion) -> str:
    names = [change.field or "all of it" for change in version.changes]
    return few(names, _MOST_FIELDS) + (f" ({version.entry.note})" if version.entry.note else "")
