"""Sums that reports over long periods are made of: brought up to date in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from application.admin.completeness import assess
from application.errors import StoreUnavailableError
from application.ports.usage_store import UsageQuery, UsageStore

_INTERVAL_SECONDS = 60.0
_PAUSE_SECONDS = 0.05
"""Pause between two steps: what writes to the same store takes its turn."""
_SETTLED_MS = 60_000
"""Age of what is added up: a process that has just started is not among the writers of the ledger yet."""
_GIVEN_UP_MS = 15 * 60_000
"""Silence after which a writer is not waited for. Lines that it delivers later are noticed by the store."""

_log = logging.getLogger(__name__)


async def up_to_ms(store: UsageStore, now_ms: int) -> int:
    """Return the moment up to which lines are worth adding up: hardly any line of an earlier call is to come.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    writers = [writer for writer in await store.writers() if now_ms - writer.updated_ms < _GIVEN_UP_MS]
    return min(assess(writers, UsageQuery(()), now_ms).up_to_ms, now_ms - _SETTLED_MS)


async def keep_sums(
    store: UsageStore,
    time: Callable[[], float],
    random: Callable[[], float],
    interval: float = _INTERVAL_SECONDS,
) -> None:
    """Bring the sums up to date every minute, until cancelled.

    Args:
        store: the ledger.
        time: returns POSIX seconds.
        random: returns a number from 0 to 1: processes on one store take turns.
        interval: seconds between two times.
    """
    while True:
        await asyncio.sleep(interval * (0.5 + random()))
        try:
            end = await up_to_ms(store, int(time() * 1000))
            stale = True
            while stale:
                stale = await store.roll_up(end)
                await asyncio.sleep(_PAUSE_SECONDS)
        except StoreUnavailableError as error:
            _log.debug("the sums of the ledger are not brought up to date: %s", error)
