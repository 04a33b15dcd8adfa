"""``llmproxy audit``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from application.admin.audit_reading import AuditFilter, Verification, entries_of_log, latest, verify
from application.admin.messages import few
from domain.documents import exact_json
from domain.documents.write import time_text
from llmproxy.cli.output import json_option, print_json, table, write_private
from llmproxy.cli.running import NoData, with_stores
from llmproxy.stores import Stores

_MOST_FIELDS = 3
_LONGEST_REASON = 80


@click.group(epilog="Example: llmproxy audit list --limit 20")
def audit() -> None:
    """Show, verify and export the log of what administrators changed and were refused."""


@audit.command("list", epilog="Example: llmproxy audit list --subject 'project billing' --limit 20")
@click.option("--actor", default="", metavar="TEXT", help="Only entries whose actor contains TEXT.")
@click.option("--subject", default="", metavar="TEXT", help="Only entries about what contains TEXT.")
@click.option("--action", default="", metavar="TEXT", help="Only entries whose command contains TEXT.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The latest of them.")
@json_option
def list_command(actor: str, subject: str, action: str, limit: int, as_json: bool) -> None:
    """List entries: when, who, from where, what. With --json each field before and after, without secrets."""

    async def work(stores: Stores) -> list[Mapping[str, object]]:
        return await latest(stores.audit, AuditFilter(actor, subject, action), limit)

    found = with_stores(work, no_data=NoData.EMPTY)
    if as_json:
        print_json([json.loads(exact_json.encode(members)) for members in found])
        return
    rows = [
        (
            members.get("number", ""),
            _when(members),
            *(members.get(name, "") for name in ("actor", "origin", "action", "subject", "outcome")),
            _details(members),
        )
        for members in found
    ]
    headers = ["no.", "when", "who", "from", "action", "subject", "outcome", "details"]
    click.echo(table(headers, rows, right=frozenset({"no."})) if rows else "no entries")


@audit.command("verify", epilog="Example: llmproxy audit verify --contains 9f2b...")
@click.option("--contains", metavar="HASH", help="A hash that was noted earlier and must be in the log.")
@json_option
def verify_command(contains: str | None, as_json: bool) -> None:
    """Verify that no entry was changed, removed or inserted. Exit code 1 if one was.

    Each entry has the hash of the one before it. That does not show whether the newest entries are missing, or whether
    all were written anew: note the hash that this command prints elsewhere, and look for it later with --contains.
    """

    async def work(stores: Stores) -> Verification:
        return await verify(stores.audit, contains)

    found = with_stores(work, no_data=NoData.EMPTY)
    problems = [found.fault] if found.fault is not None else []
    if found.contains is False:
        problems.append(f"no entry has the hash {contains}: entries are missing or were written anew")
    if as_json:
        print_json({"entries": found.entries, "head": found.head, "problems": problems})
    else:
        click.echo(f"{found.entries} entries are right, the last one has the hash {found.head}")
        for problem in problems:
            click.echo(problem, err=True)
    sys.exit(1 if problems else 0)


@audit.command("export", epilog="Example: llmproxy audit export audit.jsonl")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def export_command(file: Path, as_json: bool) -> None:
    """Write all entries to FILE, one JSON object a line: the text whose SHA-256 the entry's hash is, and the hash."""

    async def work(stores: Stores) -> list[str]:
        return [
            json.dumps({"number": one.number, "hash": one.hash, "text": one.text}, ensure_ascii=False)
            async for one in entries_of_log(stores.audit)
        ]

    lines = with_stores(work, no_data=NoData.EMPTY)
    try:
        write_private(file, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    if as_json:
        print_json({"entries": len(lines), "file": str(file)})
    else:
        click.echo(f"{len(lines)} entries written to {file}")


def _when(members: Mapping[str, object]) -> str:
    at_ms = members.get("at_ms")
    return time_text(at_ms) if isinstance(at_ms, int) else ""


def _details(members: Mapping[str, object]) -> str:
    reason = str(members.get("reason") or "")
    if reason:
        return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
    changes = members.get("changes")
    entries = changes if isinstance(changes, Sequence) else ()
    names = [str(change.get("field")) for change in entries if isinstance(change, Mapping)]
    return few(names, _MOST_FIELDS)
