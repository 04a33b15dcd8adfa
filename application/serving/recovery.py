"""Recovery after dead processes: a ledger line for each call that they had under way, and a report of their slices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from application.errors import ConflictError, StoreUnavailableError
from application.ports.in_flight import InFlight, InFlightCall, LeftBehind, SliceRow
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import Dimension, UsageQuery, UsageStore
from application.serving.catalog_view import CatalogView
from application.serving.ledger import Ledger
from application.serving.limits.holds import BudgetHold
from application.serving.limits.lease_holder import SpentBefore
from domain.budget_account import BudgetAccount
from domain.leases import Leases
from domain.ledger import LedgerLine
from domain.operation import Endpoint
from domain.pricing import cost_of
from domain.usage import Usage, UsageSource

_OPERATIONS: dict[str, str] = {endpoint: endpoint.operation for endpoint in Endpoint}

logger = logging.getLogger(__name__)

KILLED = (500, "server_killed")
"""Ledger status and error code of a call whose server process died."""
EVERY_S = 10.0
_FIRST_S = 3.0


class Recovery:
    """Looks for what dead processes on this machine left behind: at the start, and again and again.

    Args:
        in_flight: the record of this process.
        store: what processes share.
        ledger: records lines.
        view: the catalogue.
    """

    def __init__(self, in_flight: InFlight, store: LeaseStore, ledger: Ledger, view: CatalogView) -> None:
        self.recovered = 0
        """Calls of dead processes for which a line was recorded."""
        self._in_flight = in_flight
        self._store = store
        self._ledger = ledger
        self._view = view
        self._recorded: set[str] = set()

    async def start(self) -> None:
        """Give back what the process had under whose name this one continues. Skipped if the store is unavailable."""
        by_subject: dict[str, list[tuple[int, SliceRow]]] = {}
        for row, slice_ in self._in_flight.kept():
            by_subject.setdefault(slice_.subject, []).append((row, slice_))
        try:
            async with asyncio.timeout(_FIRST_S):
                for subject, rows in by_subject.items():
                    await self._report(self._in_flight.holder, subject, [slice_ for _, slice_ in rows])
                    for row, _ in rows:
                        self._in_flight.close_row(row)
        except (StoreUnavailableError, ConflictError, TimeoutError):
            logger.warning("the lease store is unavailable: this process continues with what it was granted before")

    async def run(self) -> None:
        """Look again and again."""
        while True:
            with suppress(StoreUnavailableError, ConflictError, OSError):
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Take over what is there now.

        Raises:
            StoreUnavailableError: slices cannot be reported now. Lines are recorded.
        """
        if not self._view.ready:
            return
        for left in await asyncio.to_thread(self._in_flight.orphans):
            if left.holder not in self._recorded:
                self._record(left)
                self._recorded.add(left.holder)
            if left.holder != self._in_flight.holder:
                by_subject: dict[str, list[SliceRow]] = {}
                for slice_ in left.slices:
                    if slice_.subject:
                        by_subject.setdefault(slice_.subject, []).append(slice_)
                for subject, slices in by_subject.items():
                    await self._report(left.holder, subject, slices)
            self._in_flight.bury(left.holder)
            self._recorded.discard(left.holder)

    def _record(self, left: LeftBehind) -> None:
        for call in left.calls:
            accounts = tuple(left.slices[row].account for row in call.rows)
            self._ledger.record(self._line(call, accounts))
        self.recovered += len(left.calls)
        if left.calls:
            logger.warning("recorded %d calls that a killed process had under way", len(left.calls))

    def _line(self, call: InFlightCall, accounts: tuple[str, ...]) -> LedgerLine:
        catalog = self._view.catalog
        document, project = catalog.by_id.get(call.document_id), catalog.projects.get(call.project)
        usage = Usage(input_tokens=call.input_tokens, output_tokens=call.output_tokens)
        cost = None if document is None else cost_of(usage, document.prices)
        units = call.cost if call.cost is not None else 0 if cost is None else cost.units
        return LedgerLine(
            id=call.line_id,
            time_ms=call.time_ms,
            request_id=call.request_id,
            project=call.project,
            key_id=call.key_id,
            operation=_OPERATIONS.get(call.endpoint, call.endpoint),
            code=call.document_id if document is None else document.code,
            document_id=call.document_id,
            provider="" if document is None else document.provider,
            upstream_model="" if document is None else self._ledger.upstream_model(document),
            status=KILLED[0],
            error=KILLED[1],
            attempts=1,
            streamed=False,
            latency_ms=0,
            usage=usage,
            usage_source=UsageSource.PARTIAL,
            cost_units=units,
            currency="USD" if document is None else document.prices.currency,
            tags={} if project is None else project.tags,
            prices={} if document is None else document.prices.described,
            unpriced=() if cost is None else cost.unpriced,
            accounts=accounts,
        )

    async def _report(self, holder: str, subject: str, slices: Iterable[SliceRow]) -> None:
        now_ms = int(self._ledger.clock.time() * 1000)
        mine = holder == self._in_flight.holder

        def work(leases: Leases) -> None:
            for slice_ in slices:
                account = leases.budgets.get(slice_.account)
                if account is None:
                    if slice_.spent <= slice_.known:
                        continue
                    # Whoever opens it adds what the ledger has besides.
                    account = leases.budgets[slice_.account] = BudgetAccount(0)
                account.report(holder, slice_.spent, slice_.known)
                account.give_back(holder, 0)
            if not mine:
                leases.leave(holder, now_ms)

        await self._store.change(subject, work)


def ledger_reader(usage: UsageStore) -> SpentBefore:
    """Return what reads the sum of lines that count in a budget and that no process reported."""

    async def spent_before(subject: str, hold: BudgetHold) -> int:
        query = UsageQuery(
            (Dimension.MODEL, Dimension.KEY),
            hold.window.start_ms,
            hold.window.end_ms,
            subject.partition(":")[2],
            uncounted_in=hold.account,
        )
        return sum(
            row.cost_units
            for row in await usage.report(query)
            if row.currency == hold.currency and hold.budget.counts(row.group[0]) and hold.key_id in {"", row.group[1]}
        )

    return spent_before
