"""The way of a ledger line into the store: at once to a file of this process, soon after in batches to the store."""

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
"""Spools of dead processes that are worked off at a time."""
CLOSE_SECONDS = 3.0
LONGEST_PAUSE = 30.0

_log = logging.getLogger(__name__)


class Journal:
    """Records ledger lines so that a killed process loses none, and brings each into the store exactly once.

    Nothing is forced out to the disk: what was recorded survives the death of the process, not that of the machine.
    Where the file system refuses, lines wait in memory; where the store is away, on disk. All methods belong to the
    thread of the event loop.

    Args:
        directory: for this purpose alone; shared with the other processes on the same data. Local disk.
        store: where the lines go. Safe to be given a line twice.
        flush_interval: seconds between batches.
        batch: the most lines given to the store at a time. More are less work and hold up the event loop longer.
        look_interval: seconds between two looks for what dead processes left behind.
        most_held: lines kept in memory while the disk refuses them.

    Attributes:
        lost: lines given up because neither disk nor memory had room.
    """

    def __init__(
        self,
        directory: Path,
        store: UsageStore,
        *,
        flush_interval: float = 0.5,
        batch: int = 250,
        look_interval: float = 10.0,
        most_held: int = 10_000,
    ) -> None:
        self.lost = 0
        self._directory = directory
        self._delivery = Delivery(store, directory)
        self._flush_interval = flush_interval
        self._batch = batch
        self._look_interval = look_interval
        self._most_held = most_held
        self._own: JournalSegments | None = None
        self._taken_over: list[JournalSegments] = []
        self._held: deque[LedgerLine] = deque()
        self._flushing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Number of lines not yet in the store: this process's, and those it took over."""
        return len(self._held) + sum(segments.waiting for segments in self._spools())

    @property
    def rejected(self) -> int:
        """Number of lines put aside because the store can never take them."""
        return self._delivery.rejected

    @property
    def oldest_waiting_ms(self) -> int | None:
        """Arrival time of the oldest of them (milliseconds since 1970-01-01 UTC), or ``None``. Reads from files."""
        times = [line.time_ms for line in list(self._held)[:1]]
        for segments in self._spools():
            with suppress(OSError, ValueError):
                times += [codec.decode(text).time_ms for text in segments.read(1)]
        return min(times, default=None)

    def record(self, line: LedgerLine) -> None:
        """Hand a line to the kernel, at once. Never raises."""
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
        """Take over what dead processes left behind and begin to bring lines into the store.

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
        """Bring into the store what waits now.

        Raises:
            StoreUnavailableError: the store is away; the lines go on waiting.
            OSError: a line that the store can never take could not be put aside; the lines go on waiting.
        """
        async with self._flushing:
            await self._flush_held()
            for segments in self._spools():
                await self._flush_spool(segments)
            for segments in [segments for segments in self._taken_over if not segments.waiting]:
                self._taken_over.remove(segments)
                segments.close()

    async def close(self) -> None:
        """Bring into the store what can be brought within a few seconds; the rest waits on disk for the next start."""
        self._stop.set()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._task is not None:
                    await self._task
                await self.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, the lines are safe on disk
            _log.warning("%d ledger lines wait for the next start: %s", self.waiting, _reason(error))
        self._task = None
        for segments in self._spools():
            segments.close()
        self._own = None
        self._taken_over.clear()

    async def _run(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        look_at = loop.time() + self._look_interval
        while not self._stop.is_set():
            lost = self.lost
            pause = self._flush_interval
            try:
                if loop.time() >= look_at:
                    look_at = loop.time() + self._look_interval
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

    def _spools(self) -> list[JournalSegments]:
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
                _log.info("took over %d ledger lines of a process that is gone", segments.waiting)
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

    async def _flush_spool(self, segments: JournalSegments) -> None:
        left = segments.waiting  # what is recorded meanwhile can wait for the next round
        while left > 0:
            try:
                texts, lines, unreadable = await asyncio.to_thread(_read, segments, self._batch)
            except OSError as error:
                self._abandon(segments, error)
                return
            await self._delivery.add(lines)
            for text in unreadable:
                self._delivery.put_aside(text, "it cannot be read")
            segments.release(texts)
            left -= len(texts)

    def _abandon(self, segments: JournalSegments, error: OSError) -> None:
        """Somebody removed or cut its files: give it up; what is left of it will be taken over like a dead one's."""
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
    """Lines as they are in the segments, those that can be read, and the others."""
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
