"""Journal of ledger lines: written to a file of this process at once, and to the store in batches soon after."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from application.errors import StoreUnavailableError
from application.ports.usage_store import UsageStore
from domain.ledger import LedgerLine
from infra.usage_store import codec
from infra.usage_store.delivery import Delivery, read_lines
from infra.usage_store.journal_buffer import LineBuffer, reason_of
from infra.usage_store.journal_file import JournalFileLostError
from infra.usage_store.journal_progress import JournalProgress
from infra.usage_store.journal_segments import JournalSegments
from infra.usage_store.journal_takeover import DeadJournals

CLOSE_SECONDS = 3.0
LONGEST_PAUSE = 30.0

_log = logging.getLogger(__name__)


class Journal:
    """Records ledger lines so that a killed process loses none, and brings each into the store exactly once.

    Nothing is synced to the disk: a recorded line survives the death of the process, not that of the machine. If the
    file system fails, lines wait in memory; if the store is unavailable, on disk. All methods belong to the thread of
    the event loop.

    Args:
        directory: the journal's own folder on a local disk, shared with the other processes on the same data.
        store: where the lines go. Adding a line twice is safe.
        flush_interval: seconds between batches.
        batch: the most lines added to the store at a time. More are less work and block the event loop longer.
        scan_interval: seconds between two scans for journals of dead processes.
        most_held: the most lines kept in memory while the disk fails.
        reserve_bytes: disk space to be used for lines in memory once the disk is full.
    """

    def __init__(
        self,
        directory: Path,
        store: UsageStore,
        *,
        flush_interval: float = 0.5,
        batch: int = 250,
        scan_interval: float = 10.0,
        most_held: int = 10_000,
        reserve_bytes: int = 0,
    ) -> None:
        self._buffer = LineBuffer(directory, most_held, reserve_bytes)
        self._delivery = Delivery(store, directory)
        self._progress = JournalProgress(store)
        self._flush_interval = flush_interval
        self._batch = batch
        self._scan_interval = scan_interval
        self._dead = DeadJournals(directory)
        self._failure = ""
        self._flushing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Number of lines not in the store yet: this process's, and those it took over."""
        return len(self._buffer.held) + sum(segments.waiting for segments in self._all_segments())

    @property
    def lost(self) -> int:
        """Number of lines dropped because neither disk nor memory had room, or because their files were removed."""
        return self._buffer.lost

    @property
    def rejected(self) -> int:
        """Number of lines put aside because the store can never take them."""
        return self._delivery.rejected

    @property
    def oldest_waiting_ms(self) -> int | None:
        """Arrival time of the oldest of them (milliseconds since 1970-01-01 UTC), if any. Reads files."""
        times = [line.time_ms for line in list(self._buffer.held)[:1]]
        for segments in self._all_segments():
            with suppress(OSError, ValueError):
                times += [codec.decode(text).time_ms for text in segments.read(1)]
        return min(times, default=None)

    def facts(self) -> Mapping[str, object]:
        """Return counters and problems for the health page."""
        held = len(self._buffer.held)
        problems = {
            f"{held} ledger lines wait in memory: {self._buffer.failure}": held,
            f"ledger lines wait: {self._failure}": self._failure,
            f"{self.lost} ledger lines are lost": self.lost,
            f"{self.rejected} ledger lines were put aside: the store cannot take them": self.rejected,
        }
        return {
            "lines_waiting": self.waiting,
            "lines_in_memory": held,
            "oldest_waiting_ms": self.oldest_waiting_ms,
            "lines_lost": self.lost,
            "lines_rejected": self.rejected,
            "journal_recreated": self._buffer.recreated,
            "problems": [text for text, present in problems.items() if present],
        }

    def record(self, line: LedgerLine) -> None:
        """Write a line to its file at once. Never raises."""
        self._buffer.record(line)

    async def start(self, *, recording: bool = True, oldest_open_ms: Callable[[], int | None] = lambda: None) -> None:
        """Take over the journals of dead processes and start delivery to the store.

        Args:
            recording: this process records lines of its own.
            oldest_open_ms: returns the arrival time of the oldest call whose line is not recorded yet.

        Raises:
            StoreUnavailableError: the directory cannot be used.
        """
        try:
            if recording:
                self._progress.begin((await asyncio.to_thread(self._buffer.open)).name, oldest_open_ms)
            await self._dead.scan()
        except OSError as error:
            msg = f"the journal's directory cannot be used: {reason_of(error)}"
            raise StoreUnavailableError(msg) from error
        self._task = asyncio.create_task(self._run(), name="journal")

    async def flush(self) -> None:
        """Deliver the lines that wait now.

        Raises:
            StoreUnavailableError: the store is unavailable; the lines keep waiting.
            OSError: files cannot be read now, or a line could not be put aside; the lines keep waiting.
        """
        async with self._flushing:
            removed = await self._buffer.recreate(self._batch, _now_ms())
            if removed is not None:
                self._dead.segments.append(removed)
            self._buffer.write_held()
            for segments in list(self._all_segments()):
                await self._flush_segments(segments)
            await self._flush_held()
            for segments in self._dead.delivered():
                await self._progress.taken_over(segments.name)
            self._failure = ""

    async def close(self) -> None:
        """Deliver lines for a few seconds; the rest waits on disk for the next start."""
        self._stop.set()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._task is not None:
                    await self._task
                await self.flush()
        except Exception as error:  # noqa: BLE001 - the lines are safe on disk
            self._failure = reason_of(error)
        self._task = None
        self._buffer.use_reserve()
        self._buffer.lose_held()
        if self.waiting:
            _log.warning("%d ledger lines wait on disk for the next start: %s", self.waiting, self._failure)
        await self._publish(ending=True)
        self._dead.close()
        self._buffer.close()

    async def _run(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        scan_at = loop.time() + self._scan_interval
        while not self._stop.is_set():
            lost, delivered = self.lost, self._delivery.delivered
            pause = self._flush_interval
            self._progress.round_begins()
            try:
                if loop.time() >= scan_at:
                    scan_at = loop.time() + self._scan_interval
                    await self._dead.scan()
                await self.flush()
                failures = 0
            except Exception as error:  # noqa: BLE001 - the next attempt may succeed
                self._failure = reason_of(error)
                _log.warning("%d ledger lines wait: %s", self.waiting, self._failure)
                failures = 0 if self._delivery.delivered > delivered else min(failures + 1, 10)
                pause = min(LONGEST_PAUSE, 0.25 * 2**failures) * random.uniform(0.5, 1)  # noqa: S311 - spreads retries
            if self.lost > lost:
                _log.error("%d ledger lines are lost", self.lost)
            await self._publish()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    def _all_segments(self) -> list[JournalSegments]:
        own = self._buffer.segments
        return self._dead.segments if own is None else [*self._dead.segments, own]

    async def _publish(self, *, ending: bool = False) -> None:
        own = self._buffer.segments
        await self._progress.publish(
            None if own is None else own.name,
            waiting=self.waiting,
            oldest_ms=self.oldest_waiting_ms,
            lost=(self.lost, self._buffer.lost_ms),
            rejected=self.rejected,
            ending=ending,
        )

    async def _flush_held(self) -> None:
        held = self._buffer.held
        while held:
            lines = [held[n] for n in range(min(len(held), self._batch))]
            await self._delivery.add(lines)
            for _ in lines:
                held.popleft()

    async def _flush_segments(self, segments: JournalSegments) -> None:
        left = segments.waiting  # later lines can wait for the next round
        while left > 0:
            try:
                texts, lines, unreadable = await asyncio.to_thread(read_lines, segments, self._batch)
            except JournalFileLostError as error:
                lost = segments.drop()
                left -= lost
                self._buffer.lose(lost, _now_ms())
                _log.error("a file of the journal with %d lines is lost: %s", lost, reason_of(error))
                continue
            await self._delivery.add(lines)
            for text in unreadable:
                self._delivery.put_aside(text, "unreadable")
            segments.release(texts)
            left -= len(texts)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
