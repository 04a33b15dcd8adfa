"""``llmproxy usage``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from application.admin.messages import CommandError
from application.admin.usage import UsageReport, cost_text, make_query, report, used
from application.ports.usage_store import UnpricedRow, UsageQuery, UsageRow
from domain.billing_units import REPORTED
from llmproxy.cli.output import csv_text, json_option, print_json, printable, table
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

# Most ledgers know tokens only; columns of zeros would only push the others apart.
_IF_USED = frozenset(unit.column for unit in REPORTED if unit.covers is not None)
_NUMBERS = ("calls", "failed", *(unit.column for unit in REPORTED), "cost")
_QUALITY = ("inexact", "unpriced")
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
def report_command(
    by: str, first: str | None, last: str | None, project: str | None, timezone: str, as_json: bool, as_csv: bool
) -> None:
    """Report calls, tokens, characters of speech, seconds of transcribed audio, images, and exact cost.

    input_tokens includes cached_tokens; failed calls are those whose status was 400 or above; inexact ones were
    estimated or cut short; unpriced ones used something without a price in the document, listed below the
    table by model. Currencies are never added up.
    """
    if as_json and as_csv:
        raise click.UsageError("choose one of --json and --csv")
    try:
        query = make_query(by, first, last, project, timezone)
    except CommandError as error:
        raise click.UsageError(str(error)) from None

    async def work(stores: Stores) -> UsageReport:
        # Lines in the journals of dead processes count, too. Living ones deliver theirs within a second.
        await stores.journal.start(recording=False)
        try:
            await stores.journal.flush()
        except OSError as error:
            click.echo(f"some lines are still in the journal and are not counted: {error.strerror}", err=True)
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
        **{unit.column: unit.shown(row.used[unit.quantity]) for unit in REPORTED},
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
    headers = [*found.by, *_COLUMNS]
    shown = [
        place for place, name in enumerate(headers) if name not in _IF_USED or any(_used(row[place]) for row in rows)
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


def _as_json(found: UsageReport, query: UsageQuery, first: str | None, last: str | None) -> dict[str, object]:
    return {
        "by": list(found.by),
        "from": first,
        "to": last,
        "project": query.project,
        "timezone": query.timezone,
        "rows": [dict(zip(found.by, row.group, strict=True)) | _cells(row) for row in found.rows],
        "totals": [_cells(total) for total in found.totals],
        "without_price": [
            {"model": row.model, "price": row.quantity, "calls": row.calls}
            | dict(zip(("amount", "unit"), used(row), strict=True))
            for row in found.without_price
        ],
    }
