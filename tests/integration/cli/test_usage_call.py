"""``llmproxy usage call`` on a real ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from domain.ledger import AttemptDetail
from domain.usage import Usage
from tests.builders import ledger_line
from tests.integration.cli.conftest import Command
from tests.integration.cli.test_usage import keep


async def test_a_call_is_found_by_its_request_id(llmproxy: Command, data_dir: Path) -> None:
    attempts = (
        AttemptDetail("first", 12, status=503, bytes_sent=100, error="upstream_error"),
        AttemptDetail("second", 30, status=200, bytes_sent=100, bytes_received=500, delivered=450),
    )
    line = ledger_line(
        id="1",
        request_id="mine",
        usage=Usage(1000, 50),
        prices={"input": "2.5"},
        unpriced=("output",),
        cost_units=2_500_000_000,
        attempts=2,
        attempt_details=attempts,
        error="x\x1b[31m",
    )
    await keep(data_dir, line, ledger_line(id="2", request_id="other"), replace(line, id="3", time_ms=line.time_ms + 1))
    shown = llmproxy("usage", "call", "mine")
    assert shown.code == 0
    assert shown.out.count("request         mine") == 2, "callers may repeat an id"
    for text in (
        "first",
        "503",
        "second",
        "input tokens: 1000",
        "1000 input tokens at 2.5 USD for 1,000,000 tokens: 0.0025",
        "without a price: output",
    ):
        assert text in shown.out
    assert "cost            0.0025 USD" in shown.out
    assert "\x1b" not in shown.out
    found = llmproxy("usage", "call", "mine", "--json").json
    assert [one["id"] for one in found] == ["3", "1"]
    assert found[0]["cost"] == "0.0025"
    missing = llmproxy("usage", "call", "nothing")
    assert missing.code == 1
    assert missing.err.startswith(f"Error: no call with the id 'nothing' in the ledger of {data_dir};")
