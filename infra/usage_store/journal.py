"""Journal of ledger lines: written to a file of this process at once, and to the store in batches soon after."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from contextlib import suppress
from pathlib import Path

from application.errors import StoreUnavailableError
from application.ports.usage_store import UsageStore
from domain.ledger import LedgerLine
from infra.usage_store import codec
from infra.usage_store.delivery import Delivery
from infra.usage_store.journal_segments import JournalSegments

MOST_TAKEN_OVER = 16
"""Journals of dead processes that are delivered at a time."""
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

    Attributes:
        lost: lines dropped because neither disk nor memory had room.
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
    ) -> None:
        self.lost = 0
        self._directory = directory
        self._delivery = Delivery(store, directory)
        self._flush_interval = flush_interval
        self._batch = batch
        self._scan_interval = scan_interval
        self._most_held = most_held
        self._own: JournalSegments | None = None
        self._taken_over: list[JournalSegments] = []
        self._held: deque[LedgerLine] = deque()
        self._flushing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Number of lines not in the store yet: this process's, and those it took over."""
        return len(self._held) + sum(segments.waiting for segments in self._all_segments())

    @property
    def rejected(self) -> int:
        """Number of lines put aside because the store can never take them."""
        return self._delivery.rejected

    @property
    def oldest_waiting_ms(self) -> int | None:
        """Arrival time of the oldest of them (milliseconds since 1970-01-01 UTC), if any. Reads files."""
        times = [line.time_ms for line in list(self._held)[:1]]
        for segments in self._all_segments():
            with suppress(OSError, ValueError):
                times += [codec.decode(text).time_ms for text in segments.read(1)]
        return min(times, default=None)

    def record(self, line: LedgerLine) -> None:
        """Write a line to its file at once. Never raises."""
        try:
            self._write(line)
        except Exception as error:  # noqa: BLE001 - the call has been answered: it must not fail now, whatever this is
            if not self._held:
                _log.error("ledger lines cannot be written to disk and wait in memory: %s", _reason(error))
            if len(self._held) < self._most_held:
                self._held.append(line)
            else:
                self.lost += 1

    async def start(self) -> None:
        """Take over the journals of dead processes and start delivery to the store.

        Raises:
            StoreUnavailableError: the directory cannot be used.
        """
        try:
            await self._look_for_orphans()
        except OSError as error:
            msg = f"the journal's directory cannot be used: {_reason(error)}"
            raise StoreUnavailableError(msg) from error
        self._task = asyncio.create_task(self._run(), name="journal")

    async def flush(self) -> None:
        """Deliver the lines that wait now.

        Raises:
            StoreUnavailableError: the store is unavailable; the lines keep waiting.
            OSError: a line that the store can never take could not be put aside; the lines keep waiting.
        """
        async with self._flushing:
            await self._flush_held()
            for segments in self._all_segments():
                await self._flush_segments(segments)
            for segments in [segments for segments in self._taken_over if not segments.waiting]:
                self._taken_over.remove(segments)
                segments.close()

    async def close(self) -> None:
        """Deliver lines for a few seconds; the rest waits on disk for the next start."""
        self._stop.set()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._task is not None:
                    await self._task
                await self.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, the lines are safe on disk
            _log.warning("%d ledger lines wait for the next start: %s", self.waiting, _reason(error))
        self._task = None
        for segments in self._all_segments():
            segments.close()
        self._own = None
        self._taken_over.clear()

    async def _run(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        scan_at = loop.time() + self._scan_interval
        while not self._stop.is_set():
            lost = self.lost
            pause = self._flush_interval
            try:
                if loop.time() >= scan_at:
                    scan_at = loop.time() + self._scan_interval
                    await self._look_for_orphans()
                await self.flush()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round may go better
                _log.warning("%d ledger lines wait: %s", self.waiting, _reason(error))
                pause = min(LONGEST_PAUSE, 0.5 * 2**failures) * random.uniform(0.5, 1)  # noqa: S311 - spreads retries
                failures = min(failures + 1, 10)
            if self.lost > lost:
                _log.error("%d ledger lines are lost: neither disk nor memory has room", self.lost)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    def _all_segments(self) -> list[JournalSegments]:
        return self._taken_over if self._own is None else [*self._taken_over, self._own]

    def _write(self, line: LedgerLine) -> None:
        text = codec.encode(line)
        if self._own is None:
            self._own = JournalSegments.create(self._directory)
        self._own.append(text)

    async def _look_for_orphans(self) -> None:
        for folder in await asyncio.to_thread(_folders, self._directory):
            if len(self._taken_over) >= MOST_TAKEN_OVER:
                return
            try:
                segments = await asyncio.to_thread(JournalSegments.take_over, folder)
            except OSError as error:
                _log.warning("a folder of the journal cannot be taken over: %s", _reason(error))
                continue
            if segments is not None:
                self._taken_over.append(segments)
                _log.info("took over %d ledger lines of a dead process", segments.waiting)
                if segments.torn:
                    _log.warning("%d of its lines were cut off by its death and are left out", segments.torn)

    async def _flush_held(self) -> None:
        for _ in range(len(self._held)):
            try:
                self._write(self._held[0])
            except Exception:  # noqa: BLE001 - said when it was recorded; the store may still take it
                break
            self._held.popleft()
        while self._held:
            lines = [self._held[n] for n in range(min(len(self._held), self._batch))]
            await self._delivery.add(lines)
            for _ in lines:
                self._held.popleft()

    async def _flush_segments(self, segments: JournalSegments) -> None:
        left = segments.waiting  # later lines can wait for the next round
        while left > 0:
            try:
                texts, lines, unreadable = await asyncio.to_thread(_read, segments, self._batch)
            except OSError as error:
                self._abandon(segments, error)
                return
            await self._delivery.add(lines)
            for text in unreadable:
                self._delivery.put_aside(text, "unreadable")
            segments.release(texts)
            left -= len(texts)

    def _abandon(self, segments: JournalSegments, error: OSError) -> None:
        """Give up segments whose files were removed or truncated; the rest is taken over like a dead process's."""
        _log.error("files of the journal with %d lines cannot be read: %s", segments.waiting, _reason(error))
        if segments is self._own:
            self._own = None
        else:
            self._taken_over.remove(segments)
        segments.close()


def _folders(directory: Path) -> list[Path]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return sorted(entry for entry in directory.iterdir() if entry.is_dir())


def _read(segments: JournalSegments, limit: int) -> tuple[list[bytes], list[LedgerLine], list[bytes]]:
    """Read lines: their texts, those that can be decoded, and the texts of the others."""
    texts = segments.read(limit)
    lines: list[LedgerLine] = []
    unreadable: list[bytes] = []
    for text in texts:
        try:
            lines.append(codec.decode(text))
        except ValueError:
            unreadable.append(text)
    return texts, lines, unreadable


def _reason(error: BaseException) -> str:
    if isinstance(error, StoreUnavailableError):
        return str(error)
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
