"""``llmproxy usage``."""

from __future__ import annotations

import click

from application.admin.refusal import RefusedError
from application.admin.usage import UsageReport, cost_text, make_query, report
from application.ports.usage_store import UsageQuery, UsageRow
from llmproxy.cli.output import csv_text, json_option, print_json, table
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

_NUMBERS = ("calls", "failed", "input_tokens", "cached_tokens", "output_tokens", "cost")
_QUALITY = ("inexact", "unpriced")
_COLUMNS = (*_NUMBERS, "currency", *_QUALITY)


@click.group()
def usage() -> None:
    """The ledger: what was used and what it cost."""


@usage.command(
    "report", epilog="Example: llmproxy usage report --by project,model,day --from 2026-11-01 --to 2026-11-30"
)
@click.option(
    "--by",
    default="project,model",
    show_default=True,
    help="Columns to break down by: project, model, day, month, key, provider, operation, user.",
)
@click.option("--from", "first", metavar="DAY", help="First day that counts, 2026-11-01.")
@click.option("--to", "last", metavar="DAY", help="Last day that counts, the whole of it, 2026-11-30.")
@click.option("--project", help="Only this project.")
@click.option("--timezone", default="UTC", show_default=True, help="Where days begin and end, such as Europe/Berlin.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without the totals.")
def report_command(
    by: str, first: str | None, last: str | None, project: str | None, timezone: str, as_json: bool, as_csv: bool
) -> None:
    """Calls, tokens and exact cost.

    input_tokens includes cached_tokens; failed calls are those whose status was 400 or above; inexact ones were
    estimated or cut short; unpriced ones used something that the document names no price for. Currencies are never
    added up.
    """
    if as_json and as_csv:
        raise click.UsageError("choose one of --json and --csv")
    try:
        query = make_query(by, first, last, project, timezone)
    except RefusedError as error:
        raise click.UsageError(str(error)) from None

    async def work(stores: Stores) -> UsageReport:
        # What dead processes left in their journals counts, too. Living ones hand over theirs within a second.
        await stores.journal.start()
        try:
            await stores.journal.flush()
        except OSError as error:
            click.echo(f"some lines are still in the journal and not counted: {error.strerror}", err=True)
        return await report(stores.usage, query)

    found = with_stores(work)
    if as_json:
        print_json(_as_json(found, query, first, last))
    elif as_csv:
        rows = [[*row.group, *_cells(row).values()] for row in found.rows]
        click.echo(csv_text([*found.by, *_COLUMNS], rows), nl=False)
    else:
        click.echo(_as_table(found))


def _cells(row: UsageRow) -> dict[str, object]:
    return {
        "calls": row.calls,
        "failed": row.failed,
        "input_tokens": row.input_tokens,
        "cached_tokens": row.cached_input_tokens,
        "output_tokens": row.output_tokens,
        "cost": cost_text(row),
        "currency": row.currency,
        "inexact": row.inexact,
        "unpriced": row.unpriced,
    }


def _as_table(found: UsageReport) -> str:
    if not found.rows:
        return "no calls"
    rows = [[*row.group, *_cells(row).values()] for row in found.rows]
    for total in found.totals if found.by else ():
        blank = [""] * (len(found.by) - 1)
        rows.append(["total", *blank, *_cells(total).values()])
    return table([*found.by, *_COLUMNS], rows, right=frozenset({*_NUMBERS, *_QUALITY}))


def _as_json(found: UsageReport, query: UsageQuery, first: str | None, last: str | None) -> dict[str, object]:
    return {
        "by": list(found.by),
        "from": first,
        "to": last,
        "project": query.project,
        "timezone": query.timezone,
        "rows": [dict(zip(found.by, row.group, strict=True)) | _cells(row) for row in found.rows],
        "totals": [_cells(total) for total in found.totals],
    }
