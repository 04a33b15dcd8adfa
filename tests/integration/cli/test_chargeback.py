"""Chargeback: the same sums, to the last digit, in every format, filter, time zone and currency."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import chdir
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import yaml
from click.testing import CliRunner

from application.admin.usage import UNPRICED
from domain.ledger import LedgerLine
from domain.money import plain, plain_units
from llmproxy.cli.main import cli
from tests.builders import ledger_line
from tests.integration.cli.conftest import ROOT, Command, Outcome
from tests.integration.cli.test_usage import keep
from tests.ledgers import many_lines

LINES = many_lines(250)
TAG = "cost centre's \"ü"
Sums = dict[tuple[str, str], Decimal]
Report = Callable[..., Outcome]


@pytest.fixture
def report(data_dir: Path, tmp_path: Path) -> Report:
    """Run ``llmproxy usage report`` in this process, which is a second faster than in one of its own."""

    def run(*options: str | Path, **environment: str) -> Outcome:
        variables = {"DATA_DIR": str(data_dir), **environment}
        with chdir(tmp_path):
            done = CliRunner().invoke(cli, ["usage", "report", *map(str, options)], env=variables)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Outcome(done.exit_code, done.stdout, done.stderr)

    return run


def keep_all(data_dir: Path, *lines: LedgerLine) -> None:
    asyncio.run(keep(data_dir, *lines))


def expected(zone: str, month: str | None = None, **only: str) -> Sums:
    """Add up the cost of the lines by tag and currency."""
    sums: Sums = defaultdict(Decimal)
    for line in LINES:
        at = datetime.fromtimestamp(line.time_ms / 1000, ZoneInfo(zone))
        wanted = all((getattr(line, name) or "") == value for name, value in only.items())
        if wanted and month in {None, f"{at:%Y-%m}"}:
            sums[line.tags.get(TAG, ""), line.currency] += Decimal(line.cost_units) / 10**12
    return dict(sums)


def of_csv(text: str, separator: str = ",", point: str = ".") -> Sums:
    rows = csv.DictReader(io.StringIO(text), delimiter=separator)
    return {(row[f"tag:{TAG}"].lstrip("'"), row["currency"]): Decimal(row["cost"].replace(point, ".")) for row in rows}


def of_rows(rows: list[dict[str, str]]) -> Sums:
    return {(row[f"tag:{TAG}"], row["currency"]): Decimal(row["cost"]) for row in rows}


def of_workbook(path: Path) -> Sums:
    header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    for row in cells:
        assert row["cost"] == pytest.approx(float(row["cost_exact"]))
    return {(row[f"tag:{TAG}"] or "", row["currency"]): Decimal(row["cost_exact"]) for row in cells}


@pytest.mark.parametrize("seed", range(3))
def test_every_format_has_the_sums_of_the_lines(report: Report, data_dir: Path, seed: int) -> None:
    keep_all(data_dir, *LINES)
    random = Random(seed)
    zone = random.choice(["UTC", "America/Sao_Paulo", "Asia/Kathmandu"])
    month = random.choice([None, "2026-12", "2027-01"])
    filters = random.choice([{}, {"code": "chat"}, {"end_user": "ann"}, {"currency": "EUR", "provider": "xAI"}])
    names = {"code": "model", "end_user": "user"}
    command = ["--by", f"tag:{TAG}"]
    command += [] if month is None else ["--month", month]
    for name, value in filters.items():
        command += ["--filter", f"{names.get(name, name)}={value}"]
    known = expected(zone, month, **filters)

    def out(*options: str) -> str:
        done = report(*command, *options, LLMPROXY_TIMEZONE=zone)
        assert done.code == 0, done.err
        return done.out

    assert of_rows(report(*command, "--json", "--timezone", zone).json["rows"]) == known
    assert of_rows(yaml.safe_load(out("-o", "yaml"))["rows"]) == known
    assert of_csv(out("--csv")) == known
    assert out("-o", "csv") == out("--csv")
    assert of_csv(out("--csv-dialect", "excel-br").removeprefix("\ufeff"), ";", ",") == known
    out("--xlsx", str(data_dir / "report.xlsx"))
    assert of_workbook(data_dir / "report.xlsx") == known
    table = out()
    assert max(map(len, table.split("\n\n", maxsplit=1)[0].splitlines())) <= 80
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (_, currency), cost in known.items():
        totals[currency] += cost
    shown = [line.split() for line in table.splitlines() if line.startswith("total")]
    assert {(currency, plain(cost)) for currency, cost in totals.items()} <= {
        (row[row.index(currency)], row[row.index(currency) - 1])
        for row in shown
        for currency in ("EUR", "USD")
        if currency in row
    }


def test_two_months_are_compared(report: Report, data_dir: Path) -> None:
    keep_all(data_dir, *LINES)
    command = ("--by", "model", "--month", "2027-01", "--compare", "2026-12")
    rows = report(*command, "--json").json["rows"]
    for row in rows:
        mine = [line for line in LINES if (line.code, line.currency) == (row["model"], row["currency"])]
        before = sum(line.cost_units for line in mine if line.time_ms < 1_798_761_600_000)
        now = sum(line.cost_units for line in mine) - before
        assert [Decimal(row[name]) for name in ("cost", "cost_before", "change")] == [
            Decimal(units) / 10**12 for units in (now, before, now - before)
        ]
        assert row["calls"] + row["calls_before"] == len(mine)
    assert {row["model"] for row in rows} == {line.code for line in LINES}
    changes = [row["change"] for row in csv.DictReader(io.StringIO(report(*command, "--csv").out))]
    assert changes == [row["change"] for row in rows], "negative numbers stay numbers"
    assert "change_percent" in report(*command).out
    assert report("--compare", "2026-12").code == 2
    assert report("--by", "day", "--month", "2027-01", "--compare", "2026-12").code == 2


def test_texts_stay_texts_and_numbers_numbers_in_a_workbook(report: Report, data_dir: Path) -> None:
    hostile = ["=1+1", "-5", "\x1b[2J=1", "@x", "plain"]
    costs = [1_234_567_890 * 10**12 + n for n in range(len(hostile))]
    keep_all(data_dir, *(ledger_line(id=t, end_user=t, cost_units=u) for t, u in zip(hostile, costs, strict=True)))
    report("--by", "user", "--xlsx", data_dir / "x.xlsx")
    header, *rows = openpyxl.load_workbook(data_dir / "x.xlsx").active.iter_rows()
    place = [cell.value for cell in header].index("cost_exact")
    assert len(rows) == len(hostile)
    assert {row[0].data_type for row in rows} == {"s"}
    assert {row[place].data_type for row in rows} == {"s"}
    assert {row[place - 1].data_type for row in rows} == {"n"}
    assert {row[place].value for row in rows} == {plain_units(units) for units in costs}


def test_keys_have_their_names(llmproxy: Command, report: Report, data_dir: Path) -> None:
    llmproxy("projects", "create", "billing")
    key = llmproxy("keys", "create", "billing", "--name", "the nightly job", "--json").json["id"]
    keep_all(data_dir, ledger_line(id="1", key_id=key), ledger_line(id="2", key_id="key_of_no_project"))
    rows = report("--by", "key", "--json").json["rows"]
    assert {row["key"]: row["key_name"] for row in rows} == {key: "the nightly job", "key_of_no_project": ""}
    assert "the nightly job" in report("--by", "key").out


def test_unpriced_quantities_are_in_the_csv(report: Report, data_dir: Path) -> None:
    lines = [line for line in LINES if line.unpriced]
    keep_all(data_dir, *lines)
    by_model = report("--by", "model", "--json").json
    rows = list(csv.DictReader(io.StringIO(report("--by", "model,day", "--csv").out)))
    units = {column: unit.price for column, unit in UNPRICED.items()}
    assert set(units.values()) >= {one["price"] for one in by_model["without_price"]} >= {"audio_input", "input"}
    for column, price in units.items():
        known = sum(Decimal(one["amount"]) for one in by_model["without_price"] if one["price"] == price)
        assert sum(Decimal(row[column]) for row in rows) == known
        assert sum(Decimal(total[column]) for total in by_model["totals"]) == known


def test_a_wide_table_says_what_it_leaves_out(report: Report, data_dir: Path) -> None:
    keep_all(data_dir, *LINES)
    narrow, wide = (report("--by", "project,model", COLUMNS=width) for width in ("80", "200"))
    assert max(map(len, narrow.out.partition("\nused")[0].splitlines())) <= 80
    assert "not shown: " in narrow.out
    assert "not shown" not in wide.out
    assert "exposure" in wide.out.splitlines()[0]


def test_wrong_options_are_wrong_usage(report: Report, data_dir: Path) -> None:
    keep_all(data_dir, ledger_line())
    for options, message in (
        (("--month", "2026-13"), "not a month"),
        (("--month", "2026-10", "--from", "2026-10-01"), "mutually exclusive"),
        (("--filter", "model"), "expected NAME=VALUE"),
        (("--filter", "modle=x"), "did you mean model"),
        (("--filter", "day=x"), "cannot filter by 'day'"),
        (("--by", "tag:"), "cannot group by"),
        (("--json", "--xlsx", "x"), "mutually exclusive"),
        (("--columns", "modl"), "did you mean 'model'"),
    ):
        done = report(*options)
        assert done.code == 2
        assert message in done.err


def test_the_how_to_shows_what_the_command_prints(report: Report, data_dir: Path) -> None:
    def line(number: int, month: int, units: int, centre: str, currency: str = "USD") -> LedgerLine:
        at = int(datetime(2026, month, 1 + number, 12, tzinfo=UTC).timestamp() * 1000)
        tags = {"cost_centre": centre} if centre else {}
        return ledger_line(id=f"{month}-{number}", time_ms=at, cost_units=units, tags=tags, currency=currency)

    cent = 10**10
    keep_all(
        data_dir,
        *(line(n, 10, 30 * cent + cent // 100, "4711") for n in range(3)),
        *(line(3 + n, 10, 125 * cent, "4712", "EUR") for n in range(2)),
        line(5, 10, 9 * cent, ""),
        *(line(n, 9, 60 * cent, "4711") for n in range(2)),
        line(3, 9, 100 * cent, "4712", "EUR"),
    )
    text = (ROOT / "docs" / "chargeback.md").read_text("utf-8")
    blocks = re.findall(r"^```\n\$ llmproxy usage report (.*?)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    for options, shown in blocks:
        out = report(*options.split()).out.removeprefix("\ufeff").replace("\r\n", "\n")
        assert out == shown, f"\n{out}"
