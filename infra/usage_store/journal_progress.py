"""Publication beside the ledger: up to which time the lines of this process are in the store."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from application.errors import StoreUnavailableError
from application.ports.usage_store import LedgerWriter, UsageStore

_INTERVAL = 5.0
_SECONDS_AT_END = 1.0
_MARGIN_MS = 2000  # from the arrival of a call until it is counted as open

_log = logging.getLogger(__name__)


class JournalProgress:
    """The record of this process among the writers of the ledger. Publishing never fails a delivery.

    Args:
        store: where it is published.
    """

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._oldest_open_ms: Callable[[], int | None] = lambda: None
        self._name = ""
        self._started_ms = 0
        self._complete_ms = 0
        self._due = 0.0
        self._obsolete: set[str] = set()

    def begin(self, name: str, oldest_open_ms: Callable[[], int | None]) -> None:
        """Start publishing for this process.

        Args:
            name: name of its files.
            oldest_open_ms: returns the arrival time of the oldest call whose line is not recorded yet.
        """
        self._name = name
        self._oldest_open_ms = oldest_open_ms
        self._started_ms = _now_ms()

    def round_begins(self) -> None:
        """Note that every line of calls before now, except open ones, is recorded: a delivery starts."""
        now, oldest = _now_ms() - _MARGIN_MS, self._oldest_open_ms()
        self._complete_ms = now if oldest is None else min(now, oldest)

    async def publish(
        self,
        name: str | None,
        *,
        waiting: int,
        oldest_ms: int | None,
        lost: tuple[int, int],
        rejected: int,
        ending: bool = False,
    ) -> None:
        """Publish the state after a delivery, if it is due.

        Args:
            name: the present name of the files of this process.
            waiting: number of lines not in the store.
            oldest_ms: arrival time of the oldest of them.
            lost: number of lost lines, and the arrival time of the latest of them.
            rejected: number of lines put aside.
            ending: the process ends.
        """
        if not self._name or (time.monotonic() < self._due and not ending):
            return
        if name is not None and name != self._name:
            self._obsolete.add(self._name)
            self._name = name
        complete = self._complete_ms if oldest_ms is None else min(self._complete_ms, oldest_ms)
        record = LedgerWriter(
            id=self._name,
            host=socket.gethostname(),
            started_ms=self._started_ms,
            updated_ms=_now_ms(),
            complete_ms=complete,
            waiting=waiting,
            lost=lost[0],
            lost_ms=lost[1],
            rejected=rejected,
            ended=ending and not waiting,
        )
        try:
            async with asyncio.timeout(_SECONDS_AT_END if ending else None):
                if record.ended and not (record.lost or record.rejected):
                    await self._store.remove_writer(record.id)
                else:
                    await self._store.publish_writer(record)
                for obsolete in list(self._obsolete):
                    await self._store.remove_writer(obsolete)
                    self._obsolete.discard(obsolete)
        except (StoreUnavailableError, TimeoutError) as error:
            _log.debug("the progress of this process is not published: %s", error)
        else:
            self._due = time.monotonic() + _INTERVAL

    async def taken_over(self, name: str) -> None:
        """Note that every line of a dead process is in the store."""
        if name == self._name:
            return
        with suppress(StoreUnavailableError):
            for writer in await self._store.writers():
                if writer.id == name:
                    if writer.lost or writer.rejected:
                        await self._store.publish_writer(replace(writer, waiting=0, ended=True))
                    else:
                        await self._store.remove_writer(name)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
