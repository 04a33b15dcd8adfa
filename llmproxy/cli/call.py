"""``llmproxy usage call``: the ledger lines of one request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from application.admin.messages import CommandError
from domain.cost_parts import cost_parts
from domain.ledger import LedgerLine
from domain.money import Money, plain
from infra.usage_store import codec
from llmproxy.cli.output import json_option, print_json, printable, table
from llmproxy.cli.running import place, settings_or_fail, with_stores
from llmproxy.stores import Stores

_SHOWN = ("id", "project", "key_id", "end_user", "operation", "code", "document_id", "provider", "upstream_model")
_ATTEMPT = ("document", "status", "milliseconds", "bytes_sent", "bytes_received", "delivered", "drained", "error")


@click.command("call", epilog="Example: llmproxy usage call 0190a3e2-7c1e-7d3a-b5a0-6a3a1f6f1c11")
@click.argument("request_id", metavar="REQUEST_ID")
@json_option
def call_command(request_id: str, as_json: bool) -> None:
    """Show what the ledger says of the call with this x-request-id: outcome, attempts, quantities, prices and cost.

    Callers choose these ids and may repeat them: every line with the id is shown, the latest first.
    """

    async def work(stores: Stores) -> Sequence[LedgerLine]:
        await stores.journal.start(recording=False)
        await stores.journal.flush()
        found = await stores.usage.lines(request_id=request_id)
        if not found:
            where = place(settings_or_fail())
            raise CommandError(
                f"no call with the id {request_id!r} in the ledger of {where}; calls under way, and calls that were "
                "refused before any deployment was called, have no line"
            )
        return found

    lines = with_stores(work)
    if as_json:
        print_json([json.loads(codec.encode(line)) | {"cost": _money(line, line.cost_units)} for line in lines])
    else:
        click.echo("\n\n".join("\n".join(map(printable, _described(line))) for line in lines))


def _described(line: LedgerLine) -> Iterator[str]:
    arrived = datetime.fromtimestamp(line.time_ms / 1000, UTC).isoformat(" ", "milliseconds")
    yield f"request         {line.request_id}"
    yield f"arrived         {arrived}"
    for name in _SHOWN:
        value = getattr(line, name)
        if value:
            yield f"{name.replace('_', ' '):<15} {value}"
    yield f"outcome         {line.status}{f' {line.error}' if line.error else ''}, {line.latency_ms} ms"
    yield from _attempts(line)
    yield f"usage           {line.usage_source}"
    for name in codec.QUANTITIES:
        if quantity := getattr(line.usage, name):
            yield f"  {name.replace('_', ' ')}: {quantity}"
    for part in cost_parts(line.usage, line.prices):
        yield f"  {part.quantity} {part.unit} at {part.price} {line.currency} for {_one(part.per)}: {part.cost}"
    if line.unpriced:
        yield f"  without a price: {', '.join(line.unpriced)}"
    yield f"cost            {_money(line, line.cost_units)} {line.currency}"
    if line.exposure_units is not None:
        yield f"exposure        {_money(line, line.exposure_units)} {line.currency}"


def _attempts(line: LedgerLine) -> Iterator[str]:
    if not line.attempt_details:
        yield f"attempts        {line.attempts}"
        return
    rows = [[_cell(getattr(attempt, name)) for name in _ATTEMPT] for attempt in line.attempt_details]
    yield from table([name.replace("_", " ") for name in _ATTEMPT], rows).splitlines()
    for attempt in line.attempt_details:
        if attempt.injected is not None:
            yield f"  {attempt.document}: a fault was injected on purpose: {attempt.injected}"
        for name, value in attempt.rate_limits.items():
            yield f"  {attempt.document} reported {name}: {value}"


def _one(per: str) -> str:
    return per if per[0].isdigit() else f"1 {per}"


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _money(line: LedgerLine, units: int) -> str:
    return plain(Money.from_units(units, line.currency).amount)
