"""This process as one of those that share limits: asks the store for slices, reports, and gives back. Off the path."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from application.errors import ConflictError, StoreUnavailableError
from application.ports.in_flight import InFlight
from application.ports.lease_store import LeaseStore
from application.serving.ledger import Clock
from application.serving.limits.budget_alerts import Alert
from application.serving.limits.holds import BudgetHold
from application.serving.limits.lease_exchange import LeaseExchange
from application.serving.limits.subject import Subject

logger = logging.getLogger(__name__)

TICK_S = 0.1
LAST_TURN_S = 3.0
_LONGEST_PAUSE_S = 5.0
_SHORTEST_PAUSE_S = 0.25

SpentBefore = Callable[[str, BudgetHold], Awaitable[int]]
"""Returns the ledger's sum of the lines in a budget's period that count in it and that no process reported."""


class LeaseHolder:
    """Takes turns at the lease store for each subject: one at a time, and only for what is in use.

    Args:
        store: what processes share.
        in_flight: the record of this process.
        spent_before: reads the ledger.
        clock: time.
        on_alert: called once for each share of a budget that has been reached, by one process of all.
    """

    def __init__(
        self,
        store: LeaseStore,
        in_flight: InFlight,
        spent_before: SpentBefore,
        clock: Clock,
        on_alert: Callable[[Alert], None],
    ) -> None:
        self.in_flight = in_flight
        self.turns = 0
        """Number of operations of the store so far."""
        self._store = store
        self._spent_before = spent_before
        self._clock = clock
        self._on_alert = on_alert
        self._subjects: dict[str, Subject] = {}
        self._active: dict[str, Subject] = {}
        """Those that hold something, or have something to report: the only ones that every tick looks at."""
        self._running: dict[str, asyncio.Task[None]] = {}
        self._queued: dict[str, asyncio.Task[None]] = {}
        self._released: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def subject(self, name: str) -> Subject:
        """Return what this process holds of a subject."""
        found = self._subjects.get(name)
        if found is None:
            found = self._subjects[name] = Subject(name, {}, {}, {}, self._active)
        return found

    async def start(self) -> None:
        """Begin to take turns in the background."""
        self._task = asyncio.create_task(self._run(), name="leases")

    async def turn(self, subject: Subject) -> None:
        """Wait for a turn that begins after now. Does nothing for a moment after the store was unavailable."""
        if subject.away and self._clock.monotonic() < subject.next_turn:
            return
        await asyncio.shield(self._request(subject))

    async def released(self, seconds: float) -> None:
        """Wait until a call of this process is settled, or for so long."""
        if self._released is None or self._released.done():
            self._released = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._released), seconds)

    def release(self) -> None:
        """Wake the calls that wait for others to be settled."""
        if self._released is not None and not self._released.done():
            self._released.set_result(None)

    async def close(self) -> None:
        """Report everything and give everything back; what the store does not take stays in this process's record."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        waiting = [*self._running.values(), *self._queued.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=LAST_TURN_S)
        done = await asyncio.gather(*(self._leave(subject) for subject in self._subjects.values()))
        self.in_flight.close(empty=all(done) and not self.in_flight.kept())

    async def _leave(self, subject: Subject) -> bool:
        if not (subject.budgets or subject.rates or subject.slots):
            return True
        turn = LeaseExchange(subject, self.in_flight.holder, self._clock, leaving=True)
        if any(hold.reserved for hold in subject.budgets.values()):
            return False  # a call is under way that nobody waits for any more
        try:
            async with asyncio.timeout(LAST_TURN_S):
                await self._store.change(subject.name, turn.work)
        except (StoreUnavailableError, ConflictError, TimeoutError):
            return not any(hold.granted > hold.spent or hold.spent > hold.known for hold in subject.budgets.values())
        turn.apply(self.in_flight)
        return True

    def _request(self, subject: Subject) -> asyncio.Task[None]:
        queued = self._queued.get(subject.name)
        if queued is None:
            after = self._running.get(subject.name)
            queued = asyncio.create_task(self._take(subject, after))
            self._queued[subject.name] = queued
        return queued

    async def _take(self, subject: Subject, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait([after])
        name = subject.name
        self._running[name] = self._queued.pop(name)
        try:
            await self._take_now(subject)
        except (StoreUnavailableError, ConflictError) as error:
            self._failed(subject, error)
        except Exception:
            logger.exception("a turn at the lease store failed")
            self._failed(subject, StoreUnavailableError("internal error"))
        finally:
            self._active[name] = subject
            if self._running.get(name) is asyncio.current_task():
                del self._running[name]

    async def _take_now(self, subject: Subject) -> None:
        turn = LeaseExchange(subject, self.in_flight.holder, self._clock)
        await self._read_ledger(subject, turn.due)
        self.turns += 1
        await self._store.change(subject.name, turn.work)
        if turn.missing:
            await self._read_ledger(subject, turn.missing)
            turn = LeaseExchange(subject, self.in_flight.holder, self._clock)
            self.turns += 1
            await self._store.change(subject.name, turn.work)
        for alert in turn.apply(self.in_flight):
            self._on_alert(alert)
        if subject.away:
            logger.info("the lease store is back", extra={"subject": subject.name})
        subject.away, subject.failures = False, 0

    async def _read_ledger(self, subject: Subject, holds: list[BudgetHold]) -> None:
        for hold in holds:
            hold.base = await self._spent_before(subject.name, hold)

    def _failed(self, subject: Subject, error: Exception) -> None:
        away = isinstance(error, StoreUnavailableError)
        if away and not subject.away:
            logger.warning("the lease store is unavailable", extra={"subject": subject.name, "reason": str(error)})
        subject.away = subject.away or away
        pause = min(_LONGEST_PAUSE_S, _SHORTEST_PAUSE_S * 2**subject.failures)
        subject.failures = min(subject.failures + 1, 10)
        # Spread: processes that lost the store together must not return together.
        subject.next_turn = self._clock.monotonic() + pause * random.uniform(0.5, 1)  # noqa: S311 - nothing secret

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock.monotonic()
            for subject in list(self._active.values()):
                if subject.name in self._running:
                    continue
                if subject.due(now):
                    self._request(subject)
                elif not subject.in_use(now):
                    del self._active[subject.name]
