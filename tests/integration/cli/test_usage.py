"""``llmproxy usage report`` on a real ledger."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from domain.ledger import LedgerLine
from domain.usage import Usage
from infra.usage_store.sqlite import SqliteUsageStore
from tests.builders import ledger_line
from tests.integration.cli.conftest import ROOT, Command
from tests.ledgers import many_lines


async def keep(data_dir: Path, *lines: LedgerLine) -> None:
    store = SqliteUsageStore(data_dir / "usage.sqlite3")
    await store.prepare()
    await store.add(lines)
    await store.close()


async def test_table_csv_and_json_agree(llmproxy: Command, data_dir: Path) -> None:
    await keep(
        data_dir,
        ledger_line(id="1", usage=Usage(1000, 50, cached_input_tokens=400), cost_units=123_456_789),
        ledger_line(id="2", status=500, project="other", cost_units=10**15),
        ledger_line(id="3", currency="EUR", cost_units=1),
    )
    table = llmproxy("usage", "report", "--by", "project,model,day", COLUMNS="200")
    assert table.code == 0
    assert table.out.splitlines()[0].split() == [
        *["project", "model", "day", "calls", "failed", "input", "cached", "output", "cost", "currency"],
    ]
    assert "0.000123456789" in table.out
    assert [line.split()[-2:] for line in table.out.splitlines()[-2:]] == [
        ["0.000000000001", "EUR"],
        ["1000.000123456789", "USD"],
    ]
    found = llmproxy("usage", "report", "--by", "project,model,day", "--json").json
    assert found["rows"][1] == {
        "project": "billing",
        "model": "gpt-4o",
        "day": "2026-11-21",
        "calls": 1,
        "failed": 0,
        "input_tokens": 1000,
        "cached_tokens": 400,
        "output_tokens": 50,
        "characters": 0,
        "audio_seconds": "0",
        "images": 0,
        "cost": "0.000123456789",
        "exposure": "0.000123456789",
        "currency": "USD",
        "inexact": 0,
        "unpriced": 0,
        "implausible": 0,
        "unpriced_input_tokens": 0,
        "unpriced_output_tokens": 0,
        "unpriced_audio_input_tokens": 0,
        "unpriced_image_input_tokens": 0,
        "unpriced_audio_output_tokens": 0,
        "unpriced_image_output_tokens": 0,
        "unpriced_characters": 0,
        "unpriced_audio_seconds": "0",
        "unpriced_images": 0,
    }
    assert [total["cost"] for total in found["totals"]] == ["0.000000000001", "1000.000123456789"]
    rows = list(csv.DictReader(io.StringIO(llmproxy("usage", "report", "--by", "project,model,day", "--csv").out)))
    assert [{name: str(value) for name, value in row.items()} for row in found["rows"]] == rows


async def test_the_exposure_is_a_column_of_the_table_where_it_is_not_the_cost(
    llmproxy: Command, data_dir: Path
) -> None:
    await keep(data_dir, ledger_line(id="1", cost_units=10**12, exposure_units=3 * 10**12), ledger_line(id="2"))
    header, _, row, *_ = llmproxy("usage", "report", "--by", "project").out.splitlines()
    assert header.split()[-3:] == ["cost", "exposure", "currency"]
    assert row.split()[-3:] == ["1.00045", "3.00045", "USD"]


async def test_csv_and_json_parse_back_to_the_sum_of_the_lines(llmproxy: Command, data_dir: Path) -> None:
    lines = many_lines(200)
    await keep(data_dir, *lines)
    by = "project,model,day,month,key,provider,operation,user,tag:team"
    found = llmproxy("usage", "report", "--by", by, "--json").json
    rows = list(csv.DictReader(io.StringIO(llmproxy("usage", "report", "--by", by, "--csv").out)))
    assert [{name: str(value) for name, value in row.items()} for row in found["rows"]] == rows
    for currency, total in zip(("EUR", "USD"), found["totals"], strict=True):
        mine = [row for row in rows if row["currency"] == currency]
        known = [line for line in lines if line.currency == currency]
        units = sum(line.cost_units for line in known)
        assert sum(Decimal(row["cost"]) for row in mine) == Decimal(total["cost"]) == Decimal(units) / 10**12
        exposed = sum(line.cost_units if line.exposure_units is None else line.exposure_units for line in known)
        assert sum(Decimal(row["exposure"]) for row in mine) == Decimal(total["exposure"]) == Decimal(exposed) / 10**12
        assert sum(int(row["calls"]) for row in mine) == total["calls"] == len(known)
        seconds = Decimal(sum(line.usage.audio_milliseconds for line in known)) / 1000
        assert sum(Decimal(row["audio_seconds"]) for row in mine) == Decimal(total["audio_seconds"]) == seconds
        for name in ("input_tokens", "output_tokens", "characters", "images"):
            assert sum(int(row[name]) for row in mine) == sum(getattr(line.usage, name) for line in known)
    december = llmproxy("usage", "report", "--by", "month", "--from", "2026-12-01", "--to", "2026-12-31", "--json").json
    assert {row["month"] for row in december["rows"]} == {"2026-12"}
    assert sum(row["calls"] for row in december["rows"]) == sum(line.time_ms < 1_798_761_600_000 for line in lines)


async def test_other_units_have_columns_where_they_were_used(llmproxy: Command, data_dir: Path) -> None:
    await keep(
        data_dir,
        ledger_line(id="1", code="hear", usage=Usage(audio_milliseconds=61_250), cost_units=10),
        ledger_line(id="2", code="hear", usage=Usage(audio_milliseconds=10), unpriced=("minute",), cost_units=0),
        ledger_line(id="3", code="paint", usage=Usage(images=3), unpriced=("image",), cost_units=0),
        ledger_line(id="4", code="paint", usage=Usage(images=1), unpriced=("image",), cost_units=0),
    )
    lines = llmproxy("usage", "report", "--by", "model").out.splitlines()
    assert lines[0].split()[1:] == ["calls", "audio_seconds", "images", "cost", "currency", "unpriced"]
    assert lines[-5].split()[1:5] == ["4", "61.26", "4", "0.00000000001"]  # the sum of all models
    assert lines[-4:] == [
        "",
        "used without a price, so in no cost:",
        "  hear: 0.01 seconds of audio in 1 call",
        "  paint: 4 images in 2 calls",
    ]
    found = llmproxy("usage", "report", "--by", "model", "--json").json
    assert [(row["characters"], row["audio_seconds"], row["images"]) for row in found["rows"]] == [
        (0, "61.26", 0),
        (0, "0", 4),
    ]
    assert found["without_price"] == [
        {"model": "hear", "price": "minute", "calls": 1, "amount": "0.01", "unit": "seconds of audio"},
        {"model": "paint", "price": "image", "calls": 2, "amount": "4", "unit": "images"},
    ]


async def test_days_and_projects_narrow_it_down(llmproxy: Command, data_dir: Path) -> None:
    day = 86_400_000
    await keep(data_dir, *(ledger_line(id=str(n), time_ms=1_795_262_400_000 + n * day) for n in range(4)))
    await keep(data_dir, ledger_line(id="x", project="other"))
    narrowed = ["--by", "day", "--from", "2026-11-22", "--to", "2026-11-23", "--project", "billing", "--json"]
    found = llmproxy("usage", "report", *narrowed).json
    assert [row["day"] for row in found["rows"]] == ["2026-11-22", "2026-11-23"]
    assert [total["calls"] for total in found["totals"]] == [2]


def test_no_calls(llmproxy: Command) -> None:
    llmproxy("init")
    assert llmproxy("usage", "report").out == "no calls\n"
    assert llmproxy("usage", "report", "--json").json["rows"] == []


def test_wrong_words_are_wrong_usage(llmproxy: Command) -> None:
    for arguments in (["--by", "colour"], ["--from", "today"], ["--timezone", "Mars/Base"]):
        assert llmproxy("usage", "report", *arguments).code == 2


async def test_a_callers_text_drives_neither_terminal_nor_spreadsheet(llmproxy: Command, data_dir: Path) -> None:
    await keep(data_dir, ledger_line(end_user="\x1b[2J=1"), ledger_line(id="2", end_user='=HYPERLINK("http://x")'))
    assert "\x1b" not in llmproxy("usage", "report", "--by", "user").out
    assert "\n\"'=HYPERLINK" in llmproxy("usage", "report", "--by", "user", "--csv").out


def test_lines_that_a_dead_process_left_behind_are_counted(llmproxy: Command, data_dir: Path) -> None:
    script = f"""
import asyncio, os
from pathlib import Path
from infra.usage_store.journal import Journal
from infra.usage_store.memory import MemoryUsageStore
from tests.builders import ledger_line

async def main():
    journal = Journal(Path({str(data_dir / "journal")!r}), MemoryUsageStore(), flush_interval=60)
    (Path({str(data_dir)!r}) / "journal").mkdir(parents=True)
    journal.record(ledger_line(id="left-behind"))
    os._exit(0)  # as kill -9 would

asyncio.run(main())
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)  # noqa: S603 - our own code
    for _ in range(2):
        assert llmproxy("usage", "report", "--by", "project", "--json").json["totals"][0]["calls"] == 1


async def test_texts_of_callers_control_neither_spreadsheets_nor_terminals(llmproxy: Command, data_dir: Path) -> None:
    hostile = [
        *(f"{sign}cmd|' /C calc'!A0" for sign in "=+-@\uff1d\uff0b\uff0d\uff20"),
        *(
            "\t=1",
            "\r=1",
            " =1",
            "\u3000=1",
            "a\n=1",
            "a\r\n@1",
            "\x1b[31mred",
            "nul\x00",
            "c1\x9b31m",
            "\u2028=1",
            "\u202e",
        ),
    ]
    await keep(data_dir, *(ledger_line(id=str(n), end_user=text) for n, text in enumerate(hostile)))
    table = llmproxy("usage", "report", "--by", "user").out
    as_json = llmproxy("usage", "report", "--by", "user", "--json")
    as_csv = llmproxy("usage", "report", "--by", "user", "--csv").out
    for output in (table, as_json.out, as_csv):
        assert [one for one in output if one != "\n" and not one.isprintable()] == []
    assert {row["user"] for row in as_json.json["rows"]} == set(hostile), "JSON reads back as it was"
    rows = list(csv.DictReader(io.StringIO(as_csv)))
    assert len(rows) == len(hostile)
    assert [row["user"] for row in rows if row["user"].lstrip()[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20")] == []
