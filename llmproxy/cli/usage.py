"""``llmproxy usage``."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from application.admin.completeness import Completeness, assess, completeness_as_json, explanations
from application.admin.export import CsvDialect, Sheet, sheet_as_json
from application.admin.messages import CommandError
from application.admin.projects import UnknownProjectError, project_ids
from application.admin.usage import UsageReport, report, report_as_json
from application.admin.usage_export import compare, comparison_sheet, names_of_keys, sheet_of, totals_compared
from application.admin.usage_query import days_of_month, make_query
from application.ports.usage_store import Dimension, UsageQuery
from llmproxy.cli.call import call_command
from llmproxy.cli.output import choose_csv, json_option, print_json, printable
from llmproxy.cli.processes import processes_command
from llmproxy.cli.running import settings_or_fail, with_stores
from llmproxy.cli.usage_audit import audit_command
from llmproxy.cli.usage_table import comparison_table, usage_table
from llmproxy.cli.workbook import workbook
from llmproxy.stores import Stores

_POLL_SECONDS = 0.5


@click.group(epilog="Example: llmproxy usage report --by tag:cost_centre --month 2026-10")
def usage() -> None:
    """Report usage and cost from the ledger."""


@dataclass(frozen=True, slots=True)
class _Period:
    """The days of a report."""

    first: str | None
    last: str | None

    @classmethod
    def of(cls, first: str | None, last: str | None, month: str | None) -> _Period:
        if month is None:
            return cls(first, last)
        if first is not None or last is not None:
            raise click.UsageError("--month and --from or --to are mutually exclusive")
        return cls(*days_of_month(month))


@usage.command(
    "report",
    epilog="Examples: llmproxy usage report --by project,model,day --from 2026-11-01 --to 2026-11-30;"
    " llmproxy usage report --by tag:cost_centre --month 2026-10 --compare 2026-09;"
    " llmproxy usage report --by project,key --month 2026-10 --xlsx october.xlsx",
)
@click.option(
    "--by",
    default="project,model",
    show_default=True,
    help="Columns to group by: project, model, day, month, key, provider, operation, user, tag:NAME.",
)
@click.option("--from", "first", metavar="DAY", help="First day, 2026-11-01.")
@click.option("--to", "last", metavar="DAY", help="Last day, included, 2026-11-30.")
@click.option("--month", metavar="MONTH", help="In place of both: a month, 2026-10.")
@click.option("--compare", "before", metavar="MONTH", help="Put an earlier month beside it: 2026-09.")
@click.option("--project", help="Only this project.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only such calls: model=gpt-4o, user=ann, tag:cost_centre=4711, currency=EUR; repeatable.",
)
@click.option(
    "--timezone", help="Time zone of days and months, such as Europe/Berlin.  [default: LLMPROXY_TIMEZONE, else UTC]"
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without the totals; the same as -o csv.")
@click.option(
    "--csv-dialect",
    type=click.Choice([dialect.value for dialect in CsvDialect]),
    help="excel-br: semicolons and decimal commas. Implies --csv.",
)
@click.option(
    "--xlsx", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a workbook, without totals."
)
@click.option("--final", is_flag=True, help="Wait until every line of the period is in the store; exit code 2 if not.")
@click.option("--wait", type=click.FloatRange(0), default=60, show_default=True, help="Seconds that --final waits.")
def report_command(
    *,
    by: str,
    first: str | None,
    last: str | None,
    month: str | None,
    before: str | None,
    project: str | None,
    filters: tuple[str, ...],
    timezone: str | None,
    as_json: bool,
    as_csv: bool,
    csv_dialect: str | None,
    xlsx: Path | None,
    final: bool,
    wait: float,
) -> None:
    """Report calls, tokens, characters of speech, seconds of transcribed audio, images, and exact cost.

    input tokens include cached ones; failed calls are those whose status was 400 or above; inexact ones were
    estimated or cut short; unpriced ones used something without a price in the document, listed below the
    table by model; implausible ones have a count beyond 1,000,000,000. cost is what projects are charged, exposure the
    most that providers may charge: more where answers were cut or deployments failed over. Currencies are never
    added up.

    Up to when the sums are complete is printed on standard error: running servers deliver their lines within seconds.
    With --final, lost lines also lead to exit code 2.
    """
    if as_csv or csv_dialect is not None:
        choose_csv()
        as_json = True
    if as_json and xlsx is not None:
        raise click.UsageError("--xlsx and other formats are mutually exclusive")
    zone = timezone or settings_or_fail().llmproxy_timezone
    try:
        period = _Period.of(first, last, month)
        query = make_query(by, period.first, period.last, project, zone, filters=filters)
        earlier = None if before is None else _earlier(by, month, before, project, zone, filters)
    except CommandError as error:
        raise click.UsageError(str(error)) from None

    now_ms = time.time_ns() // 1_000_000
    found, then, state = with_stores(lambda stores: _read(stores, query, earlier, now_ms, wait if final else 0))
    notes = explanations(state, now_ms, zone)
    rows = None if then is None else compare(found, then)
    sheet = sheet_of(found) if rows is None else comparison_sheet(found, rows)
    if as_json:
        members = {} if rows is None else {"compared_with": before, "rows": sheet_as_json(sheet)}
        data = report_as_json(found, query, period.first, period.last) | members | completeness_as_json(state, notes)
        print_json(data, sheet, CsvDialect(csv_dialect or CsvDialect.STANDARD))
    elif xlsx is not None:
        _write(xlsx, sheet)
    elif rows is None or then is None:
        click.echo(usage_table(found))
    else:
        click.echo(comparison_table(found, rows, totals_compared(found, then)))
    if not as_json or as_csv or csv_dialect:
        click.echo("\n".join(map(printable, notes)), err=True)
    if final and (state.lossy or not state.complete):
        sys.exit(2)


def _earlier(
    by: str, month: str | None, before: str, project: str | None, zone: str, filters: tuple[str, ...]
) -> UsageQuery:
    if month is None:
        raise CommandError("--compare needs --month")
    query = make_query(by, *days_of_month(before), project, zone, filters=filters)
    if {Dimension.DAY, Dimension.MONTH}.intersection(query.by):
        raise CommandError("--compare puts two months beside each other; it cannot group by day or month")
    return query


def _write(path: Path, sheet: Sheet) -> None:
    try:
        content = workbook(sheet, "usage")
    except ImportError:
        raise click.ClickException("--xlsx needs openpyxl; install llmproxy[xlsx]") from None
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    click.echo(f"{len(sheet.rows)} rows written to {path}", err=True)


async def _read(
    stores: Stores, query: UsageQuery, earlier: UsageQuery | None, now_ms: int, wait: float
) -> tuple[UsageReport, UsageReport | None, Completeness]:
    await stores.journal.start(recording=False)  # lines in the journals of dead processes count, too
    deadline = time.monotonic() + wait
    while True:
        try:
            await stores.journal.flush()
        except OSError as error:
            click.echo(f"some lines are still in the journal and are not counted: {error.strerror}", err=True)
        state = assess(await stores.usage.writers(), query, now_ms)
        if state.complete or time.monotonic() >= deadline:
            break
        await asyncio.sleep(_POLL_SECONDS)
    names = await names_of_keys(stores.catalog) if Dimension.KEY in query.by else {}
    found = await report(stores.usage, query, names)
    if query.project is not None and not found.rows and query.project not in await project_ids(stores.catalog):
        raise UnknownProjectError(query.project)
    then = None if earlier is None else await report(stores.usage, earlier, names)
    return found, then, state


usage.add_command(processes_command)
usage.add_command(call_command)
usage.add_command(audit_command)
