"""Usage as one reader may see it: every page of the administration reads its sums here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from application.admin.usage import UsageReport, report, sum_of
from application.ports.usage_store import Dimension, UnpricedRow, UsageQuery, UsageRow, UsageStore


async def selected_report(
    store: UsageStore, query: UsageQuery, scope: Collection[str] | None, key_names: Mapping[str, str] | None = None
) -> UsageReport:
    """Add up the ledger's lines of the projects that a reader may see.

    Args:
        store: the ledger.
        query: period, grouping, filters and time zone.
        scope: ids of these projects; None for all.
        key_names: names of keys by their ids.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    if scope is None:
        return await report(store, query, key_names)
    owned = Dimension.PROJECT in query.by
    dimensions = query.by if owned else (*query.by, Dimension.PROJECT)
    place, width = dimensions.index(Dimension.PROJECT), len(query.by)
    found = await report(store, replace(query, by=dimensions), key_names)
    rows: dict[tuple[tuple[str, ...], str], UsageRow] = {}
    for row in found.rows:
        if row.group[place] in scope:
            kept = replace(row, group=row.group[:width])
            before = rows.get((kept.group, kept.currency))
            rows[kept.group, kept.currency] = kept if before is None else sum_of(before, kept)
    unpriced = [replace(row, group=row.group[:width]) for row in found.without_price if row.group[place] in scope]
    return _report(query, [rows[key] for key in sorted(rows)], unpriced, key_names)


def _report(
    query: UsageQuery, rows: list[UsageRow], unpriced: list[UnpricedRow], key_names: Mapping[str, str] | None
) -> UsageReport:
    totals: dict[str, UsageRow] = {}
    for row in rows:
        before = totals.get(row.currency)
        totals[row.currency] = replace(row, group=()) if before is None else sum_of(before, row)
    lacking: dict[tuple[tuple[str, ...] | None, str], Counter[str]] = defaultdict(Counter)
    for each in unpriced:
        for group in (each.group, None):
            lacking[group, each.currency][each.quantity] += each.amount
    in_order = [totals[currency] for currency in sorted(totals)]
    return UsageReport(query.by, rows, in_order, unpriced, lacking, key_names)
