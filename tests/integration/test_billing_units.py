"""A billing unit is one row: a copy of the source with one more row prices, reports, compares and explains it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import ROOT

PARTS = """
    video_input_tokens: int = _unit(
        "video_input",
        "cost_video_input_1Mtokens",
        Side.INPUT,
        _SOME_CHAT | {Operation.CHAT_COMPLETION: 500},
        listed=("input_cost_per_video_token",),
        column="video_tokens",
    )
"""
WHOLE_CALL = """
    pages: int = _unit(
        "page",
        "cost_page",
        Side.INPUT,
        {Operation.AUDIO_REALTIME: 4},
        listed=("ocr_cost_per_page",),
        per=1,
        covers=Operation.AUDIO_REALTIME,
        instead_of="audio_input",
        noun="pages",
        column="pages",
    )
"""
SCRIPT = """
import asyncio, json, sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from application.admin.deployments import Upstreams, candidate
from application.admin.price_check import validate_prices
from application.admin.usage import report, used
from application.admin.usage_query import make_query
from domain.documents import read_model
from domain.ledger import LedgerLine
from domain.operation import Operation
from domain.pricing import cost_of
from domain.usage import Usage, UsageSource
from infra.price_list.entry import reference
from infra.usage_store.sqlite import SqliteUsageStore
from llmproxy.cli.usage_table import usage_table

database, case = Path(sys.argv[1]), json.loads(sys.argv[2])
body = json.loads(case["document"], parse_float=Decimal)
document, faults = read_model(body)
bare, _ = read_model(body | {"costs": {"currency": "USD"}})
quantities = Usage(**case["usage"])
entry = reference("vendor/model", {"mode": "chat", case["listed"]: 0.002}, {})

def line(number, prices):
    cost = cost_of(quantities, prices)
    return LedgerLine(
        f"line-{number}", number, "request", "project", "key", "ChatCompletion", "model", "model", "vendor",
        "model", 200, 1, False, 5, quantities, UsageSource.MEASURED, cost.units, cost.currency, prices=prices.described,
        unpriced=cost.unpriced,
    )

async def ledger():
    store = SqliteUsageStore(database)
    await store.open()
    await store.add([line(1, document.prices), line(2, bare.prices)])
    kept = [each.usage == quantities for each in await store.lines()]
    found = await report(store, make_query(""))
    await store.close()
    return kept, usage_table(found), [used(row) for row in found.without_price]

kept, table, unpriced = asyncio.run(ledger())
upstreams = Upstreams(lambda _: None, lambda each: each.code, lambda _: "wire", lambda _: True)
example = candidate(document, Operation(case["operation"]), upstreams, turn=1, share=Fraction(1)).example
compared, _ = validate_prices([("a.json", body)], lambda _: replace(entry, operations=None))
free = body | {"costs": {"currency": "USD"}}
missed, _ = validate_prices([("a.json", free)], lambda _: replace(entry, operations=None))
print(json.dumps({
    "faults": [fault.field for fault in faults],
    "cost": str(cost_of(quantities, document.prices).money),
    "prices": dict(document.prices.described),
    "kept": kept,
    "table": table,
    "unpriced": unpriced,
    "example": str(example.money),
    "compared": [fault.fault.field for fault in compared.faults],
    "missed": [fault.fault.expected for fault in missed.faults],
}))
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Make a ledger of this release, which lacks the columns of later units."""
    path = tmp_path / "usage.db"
    code = (
        "import asyncio, sys; from pathlib import Path; from infra.usage_store.sqlite import SqliteUsageStore;"
        "store = SqliteUsageStore(Path(sys.argv[1])); asyncio.run(store.open())"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True, cwd=ROOT)  # noqa: S603 - our own code
    return path


def run_with(row: str, case: dict[str, object], tmp_path: Path, database: Path) -> dict[str, object]:
    """Run the script above in a copy of the source whose table of units has one more row."""
    source = tmp_path / "source"
    for package in ("domain", "application", "infra", "llmproxy"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    table = source / "domain" / "billing_units.py"
    text = table.read_text("utf-8")
    end = text.index("\n\nUNITS: ")
    table.write_text(text[:end].rstrip() + row + text[end:], "utf-8")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", SCRIPT, database, json.dumps(case)],
        env=os.environ | {"PYTHONPATH": str(source)},
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def model(**costs: object) -> str:
    document = {"id": "model", "provider": "vendor", "model_type": "Simulator", "operations": ["ChatCompletion"]}
    return json.dumps(document | {"model_type": "OpenAI", "parameters": {"secret_name": "A_KEY"}, "costs": costs})


def test_tokens_of_a_new_kind_are_one_row(tmp_path: Path, database: Path) -> None:
    case: dict[str, object] = {
        "document": model(cost_input_1Mtokens=1, cost_output_1Mtokens=2, cost_video_input_1Mtokens=8),
        "usage": {"input_tokens": 1000, "video_input_tokens": 500, "output_tokens": 100},
        "operation": "ChatCompletion",
        "listed": "input_cost_per_video_token",
    }
    found = run_with(PARTS, case, tmp_path, database)
    assert found["faults"] == []
    assert found["cost"] == "0.0047 USD"  # 500 at 1, 500 at 8, 100 at 2
    assert found["prices"] == {"currency": "USD", "input": "1", "output": "2", "video_input": "8"}
    assert found["kept"] == [True, True]
    header, _, row = str(found["table"]).splitlines()[:3]
    assert dict(zip(header.split(), row.split(), strict=False))["video"] == "1000"
    assert found["unpriced"] == [["500", "input tokens"], ["100", "output tokens"], ["500", "video input tokens"]]
    assert found["example"] == "0.0065 USD"  # 500 at 1, 500 at 8, 1,000 at 2
    assert found["compared"] == ["costs.cost_video_input_1Mtokens"]
    assert '"cost_video_input_1Mtokens": 2000' in found["missed"]  # type: ignore[operator]


def test_a_price_of_a_whole_call_is_one_row(tmp_path: Path, database: Path) -> None:
    case: dict[str, object] = {
        "document": model(cost_input_1Mtokens=1, cost_output_1Mtokens=2, cost_page="0.5"),
        "usage": {"pages": 3},
        "operation": "audio_realtime",
        "listed": "ocr_cost_per_page",
    }
    found = run_with(WHOLE_CALL, case, tmp_path, database)
    assert found["faults"] == []
    assert found["cost"] == "1.5 USD"
    assert "page" in found["prices"]  # type: ignore[operator]
    header, _, row = str(found["table"]).splitlines()[:3]
    assert dict(zip(header.split(), row.split(), strict=False))["pages"] == "6"
    assert found["unpriced"] == [["3", "pages"]]
    assert found["example"] == "2 USD"
    assert found["compared"] == ["costs.cost_page"]
