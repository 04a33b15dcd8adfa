"""Requests of the ledger to Cosmos DB."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from azure.cosmos import PartitionKey

from application.ports.usage_store import Dimension, UsageQuery
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store.cosmos import CosmosUsageStore
from tests.builders import ledger_line
from tests.fakes.cosmos_server import cosmos_account
from tests.fakes.fault_proxy import FaultProxy

KEY = PartitionKey(path=["/project", "/month", "/id"], kind="MultiHash")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("start", "end", "prefixes"),
    [
        ("2026-11-01", "2026-12-01", [["billing", "2026-11"]]),
        (
            "2026-11-30T23:00",
            "2027-01-31T23:00",
            [["billing", "2026-11"], ["billing", "2026-12"], ["billing", "2027-01"]],
        ),
        ("2020-01-01", "2026-12-01", [["billing"]]),
        ("2026-11-01", None, [["billing"]]),
    ],
)
async def test_a_report_of_a_project_looks_only_where_its_lines_are(
    proxy: FaultProxy, start: str, end: str | None, prefixes: list[list[str]]
) -> None:
    database = CosmosDatabase(cosmos_account(proxy.port))
    store = CosmosUsageStore(database)
    await store.prepare()
    lines = [
        ledger_line(id=f"{project}-{month}-{day}", project=project, time_ms=ms(f"2026-{month}-{day}"))
        for project in ("billing", "other")
        for month in ("10", "11", "12")
        for day in ("01", "30")
    ]
    await store.add(lines)
    proxy.seen.clear()

    to_ms = None if end is None else ms(end)
    query = UsageQuery(by=(Dimension.MONTH,), from_ms=ms(start), to_ms=to_ms, project="billing")
    calls = sum(row.calls for row in await store.report(query))
    assert calls == sum(line.project == "billing" and ms(start) <= line.time_ms < (to_ms or 2**60) for line in lines)
    asked = [seen.headers for seen in proxy.seen if b"SELECT" in seen.body]
    assert [headers.get("x-ms-read-key-type") for headers in asked] == ["EffectivePartitionKeyRange"] * len(prefixes)
    # The range that the service keeps the first values of a key in: one partition, as long as it is not split.
    ranges = [KEY._get_epk_range_for_prefix_partition_key(prefix) for prefix in prefixes]
    assert [(h["x-ms-start-epk"], h["x-ms-end-epk"]) for h in asked] == [(each.min, each.max) for each in ranges]
    await database.close()


async def test_lines_are_small(proxy: FaultProxy) -> None:
    database = CosmosDatabase(cosmos_account(proxy.port))
    store = CosmosUsageStore(database)
    await store.prepare()
    await store.add([ledger_line(id="0" * 32, tags={"cost_centre": "4711"})])
    (sent,) = [seen for seen in proxy.seen if b'"cost_units"' in seen.body]
    assert len(sent.body) < 1024, "docs/decisions/0009 counts on a kilobyte"
    await database.close()
