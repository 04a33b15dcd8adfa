"""``llmproxy usage audit``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from application.admin.budget_audit import AuditedBudget, audit
from domain.documents.write import time_text
from domain.money import Money
from llmproxy.cli.output import json_option, print_json, printable, table
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores


@click.command("audit", epilog="Example: llmproxy usage audit")
@json_option
def audit_command(as_json: bool) -> None:
    """Compare the ledger with what the server processes reported, budget by budget, to the last unit.

    `reported` is what they reported, `counted` the sum of the ledger lines that name the budget. While calls are under
    way the two differ by those whose lines or reports are on their way. Exit code 1 if they differ. Every line that is
    an estimate is named below the table: the upstream did not report what the call used, or the call was cut short.
    """

    async def work(stores: Stores) -> Sequence[AuditedBudget]:
        await stores.journal.start(recording=False)
        await stores.journal.flush()
        return await audit(stores.catalog, stores.usage, stores.leases)

    found = with_stores(work)
    if as_json:
        print_json([asdict(one) | {"agrees": one.agrees, "inexact": one.inexact} for one in found])
    elif not found:
        click.echo("no budgets")
    else:
        headers = ["of", "budget", "ledger", "settled", "reported", "counted", "held", "inexact lines", "agrees"]
        rows = [
            (
                one.subject,
                one.account,
                *(
                    Money.from_units(units, one.currency)
                    for units in (one.ledger, one.settled, one.reported, one.counted, one.held)
                ),
                one.inexact,
                "yes" if one.agrees else "NO",
            )
            for one in found
        ]
        click.echo(table(headers, rows, right=frozenset(headers[2:8])))
        for one in found:
            if one.estimates:
                click.echo(f"\nestimates in {one.subject}, {one.account}:")
                click.echo(_estimates(one))
    sys.exit(0 if all(one.agrees for one in found) else 1)


def _estimates(audited: AuditedBudget) -> str:
    rows = [
        (
            time_text(line.time_ms),
            printable(line.request_id),
            printable(line.model),
            line.source,
            line.error or "",
            Money.from_units(line.cost, audited.currency),
        )
        for line in audited.estimates
    ]
    return table(["arrived", "request", "model", "usage", "error", "cost"], rows, right=frozenset({"cost"}))
