"""``llmproxy usage``."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence

import click

from application.admin.completeness import Completeness, assess, explanations
from application.admin.messages import CommandError
from application.admin.projects import UnknownProjectError, project_ids
from application.admin.usage import UsageReport, cells, make_query, report, report_as_json, used
from application.ports.usage_store import UnpricedRow, UsageQuery
from domain.billing_units import REPORTED
from llmproxy.cli.call import call_command
from llmproxy.cli.output import csv_text, json_option, print_json, printable, table
from llmproxy.cli.processes import completeness_as_json, processes_command
from llmproxy.cli.running import with_stores
from llmproxy.cli.usage_audit import audit_command
from llmproxy.stores import Stores

_POLL_SECONDS = 0.5

# Columns that are zero in most ledgers are shown only if they are not.
_IF_USED = frozenset({"implausible", *(unit.column for unit in REPORTED if unit.covers is not None)})
_NUMBERS = ("calls", "failed", *(unit.column for unit in REPORTED), "cost", "exposure")
_QUALITY = ("inexact", "unpriced", "implausible")
_COLUMNS = (*_NUMBERS, "currency", *_QUALITY)


@click.group()
def usage() -> None:
    """Report usage and cost from the ledger."""


@usage.command(
    "report", epilog="Example: llmproxy usage report --by project,model,day --from 2026-11-01 --to 2026-11-30"
)
@click.option(
    "--by",
    default="project,model",
    show_default=True,
    help="Columns to group by: project, model, day, month, key, provider, operation, user.",
)
@click.option("--from", "first", metavar="DAY", help="First day, 2026-11-01.")
@click.option("--to", "last", metavar="DAY", help="Last day, included, 2026-11-30.")
@click.option("--project", help="Only this project.")
@click.option(
    "--timezone", default="UTC", show_default=True, help="Time zone of days and months, such as Europe/Berlin."
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without the totals.")
@click.option("--final", is_flag=True, help="Wait until every line of the period is in the store; exit code 2 if not.")
@click.option("--wait", type=click.FloatRange(0), default=60, show_default=True, help="Seconds that --final waits.")
def report_command(
    *,
    by: str,
    first: str | None,
    last: str | None,
    project: str | None,
    timezone: str,
    as_json: bool,
    as_csv: bool,
    final: bool,
    wait: float,
) -> None:
    """Report calls, tokens, characters of speech, seconds of transcribed audio, images, and exact cost.

    input_tokens includes cached_tokens; failed calls are those whose status was 400 or above; inexact ones were
    estimated or cut short; unpriced ones used something without a price in the document, listed below the
    table by model; implausible ones have a count beyond 1,000,000,000. cost is what projects are charged, exposure the
    most that providers may charge: more where answers were cut or deployments failed over. Currencies are never
    added up.

    Up to when the sums are complete is printed on standard error: running servers deliver their lines within seconds.
    With --final, lost lines also lead to exit code 2.
    """
    if as_json and as_csv:
        raise click.UsageError("choose one of --json and --csv")
    try:
        query = make_query(by, first, last, project, timezone)
    except CommandError as error:
        raise click.UsageError(str(error)) from None

    now_ms = time.time_ns() // 1_000_000
    found, state = with_stores(lambda stores: _read(stores, query, now_ms, wait if final else 0))
    notes = explanations(state, now_ms, timezone)
    if as_json:
        print_json(report_as_json(found, query, first, last) | completeness_as_json(state, notes))
    elif as_csv:
        rows = [[*row.group, *cells(row).values()] for row in found.rows]
        click.echo(csv_text([*found.by, *_COLUMNS], rows), nl=False)
    else:
        click.echo(_as_table(found))
    if not as_json:
        click.echo("\n".join(map(printable, notes)), err=True)
    if final and (state.lossy or not state.complete):
        sys.exit(2)


async def _read(stores: Stores, query: UsageQuery, now_ms: int, wait: float) -> tuple[UsageReport, Completeness]:
    await stores.journal.start(recording=False)  # lines in the journals of dead processes count, too
    deadline = time.monotonic() + wait
    while True:
        try:
            await stores.journal.flush()
        except OSError as error:
            click.echo(f"some lines are still in the journal and are not counted: {error.strerror}", err=True)
        state = assess(await stores.usage.writers(), query, now_ms)
        if state.complete or time.monotonic() >= deadline:
            found = await report(stores.usage, query)
            if query.project is not None and not found.rows and query.project not in await project_ids(stores.catalog):
                raise UnknownProjectError(query.project)
            return found, state
        await asyncio.sleep(_POLL_SECONDS)


def _as_table(found: UsageReport) -> str:
    if not found.rows:
        return "no calls"
    rows = [[*row.group, *cells(row).values()] for row in found.rows]
    for total in found.totals if found.by else ():
        blank = [""] * (len(found.by) - 1)
        rows.append(["total", *blank, *cells(total).values()])
    headers = [*found.by, *_COLUMNS]
    cost, exposure = headers.index("cost"), headers.index("exposure")
    exposed = any(row[exposure] != row[cost] for row in rows)
    shown = [
        place
        for place, name in enumerate(headers)
        if (exposed if place == exposure else name not in _IF_USED or any(_used(row[place]) for row in rows))
    ]
    printed = table(
        [headers[place] for place in shown],
        [[row[place] for place in shown] for row in rows],
        right=frozenset({*_NUMBERS, *_QUALITY}),
    )
    return "\n".join([printed, *_without_price(found.without_price)])


def _used(cell: object) -> bool:
    return str(cell) != "0"


def _without_price(rows: Sequence[UnpricedRow]) -> Iterator[str]:
    if rows:
        yield "\nused without a price, so in no cost:"
    for row in rows:
        calls = "1 call" if row.calls == 1 else f"{row.calls} calls"
        yield f"  {printable(row.model)}: {' '.join(used(row))} in {calls}"


usage.add_command(processes_command)
usage.add_command(call_command)
usage.add_command(audit_command)
