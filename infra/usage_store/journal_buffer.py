"""Ledger lines that this process has recorded: in files, or in memory while the disk fails."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from pathlib import Path

from domain.ledger import LedgerLine
from infra.usage_store import codec
from infra.usage_store.journal_file import JournalFileLostError
from infra.usage_store.journal_segments import JournalSegments

_log = logging.getLogger(__name__)


class LineBuffer:
    """Takes every line at once and never raises. A line that finds no room on disk or in memory is counted as lost.

    Args:
        directory: folder of the journal.
        most_held: the most lines kept in memory while the disk fails.
        reserve_bytes: disk space to be used for lines in memory once the disk is full.

    Attributes:
        segments: files of this process; None until they are needed.
        held: lines in memory.
        lost: number of lost lines.
        lost_ms: arrival time of the latest of them.
        recreated: how often the files were removed and created again.
        failure: why lines are in memory.
    """

    def __init__(self, directory: Path, most_held: int, reserve_bytes: int) -> None:
        self.segments: JournalSegments | None = None
        self.held: deque[LedgerLine] = deque()
        self.lost = 0
        self.lost_ms = 0
        self.recreated = 0
        self.failure = ""
        self._directory = directory
        self._most_held = most_held
        self._reserve_bytes = reserve_bytes

    def open(self) -> JournalSegments:
        """Create the files of this process, if they do not exist yet, and the reserve.

        Raises:
            OSError: the file system refuses.
        """
        segments = self.segments or JournalSegments.create(self._directory)
        if self._reserve_bytes:
            try:
                segments.allocate_reserve(self._reserve_bytes)
            except OSError as error:
                segments.free_reserve()
                _log.warning("no disk space is reserved for ledger lines: %s", reason_of(error))
        self.segments = segments
        return segments

    def record(self, line: LedgerLine) -> None:
        """Write a line to a file, or keep it in memory if that fails."""
        try:
            self._append(codec.encode(line))
        except Exception as error:  # noqa: BLE001 - the call has been answered and must not fail now
            self.failure = reason_of(error)
            if not self.held:
                _log.error("ledger lines cannot be written to disk and wait in memory: %s", self.failure)
            if len(self.held) >= self._most_held:
                self.use_reserve()
            if len(self.held) < self._most_held:
                self.held.append(line)
            else:
                self.lose(1, line.time_ms)

    def write_held(self) -> None:
        """Write lines in memory to a file, as many as the disk takes."""
        while self.held:
            try:
                self._append(codec.encode(self.held[0]))
            except Exception as error:  # noqa: BLE001 - logged when it was recorded; the store may still take it
                self.failure = reason_of(error)
                return
            self.held.popleft()

    def use_reserve(self) -> None:
        """Free the reserved disk space for the lines in memory."""
        if self.held and self.segments is not None:
            self.segments.free_reserve()
        self.write_held()

    def lose(self, number: int, time_ms: int) -> None:
        """Count lost lines."""
        self.lost += number
        self.lost_ms = max(self.lost_ms, time_ms)

    def lose_held(self) -> None:
        """Give up the lines in memory: the process ends."""
        if self.held:
            _log.error("%d ledger lines are lost: neither the disk nor the store took them", len(self.held))
            self.lose(len(self.held), max(line.time_ms for line in self.held))
            self.held.clear()

    async def recreate(self, batch: int, now_ms: int) -> JournalSegments | None:
        """Create the files again if they were removed, with the lines that wait in them.

        Returns:
            The removed files if lines are left in them that could not be copied: they can still be read.
        """
        old = self.segments
        if old is None or not old.removed:
            return None
        _log.error("files of the journal were removed; %d waiting lines are written again", old.waiting)
        self.recreated += 1
        self.segments = None
        try:
            await asyncio.to_thread(self.open)
            while texts := await asyncio.to_thread(old.read, batch):
                for text in texts:
                    self._append(text)
                old.release(texts)
        except JournalFileLostError:
            self.lose(old.drop(), now_ms)
        except OSError as error:
            self.failure = reason_of(error)
        if old.waiting:
            return old
        old.close()
        return None

    def close(self) -> None:
        """Release the files; whatever waits in them is left for the next start."""
        if self.segments is not None:
            self.segments.close()
            self.segments = None

    def _append(self, text: bytes) -> None:
        if self.segments is None:
            self.segments = JournalSegments.create(self._directory)
        self.segments.append(text)


def reason_of(error: BaseException) -> str:
    """Describe an error without paths."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) if type(error).__module__ == "application.errors" else type(error).__name__
