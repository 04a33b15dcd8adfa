"""Journals of dead processes, delivered by those that live."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

from infra.usage_store.journal_buffer import reason_of
from infra.usage_store.journal_segments import JournalSegments

_log = logging.getLogger(__name__)


class DeadJournals:
    """Segments taken over from dead processes.

    Args:
        directory: folder of the journals.
        most: the most journals taken over at a time.
    """

    def __init__(self, directory: Path, most: int = 16) -> None:
        self.segments: list[JournalSegments] = []
        self._directory = directory
        self._most = most

    async def scan(self) -> None:
        """Take over what dead processes left behind since the last scan.

        Raises:
            OSError: the folder cannot be read.
        """
        for folder in await asyncio.to_thread(_folders, self._directory):
            if len(self.segments) >= self._most:
                return
            try:
                found = await asyncio.to_thread(JournalSegments.take_over, folder)
            except OSError as error:
                _log.warning("a folder of the journal cannot be taken over: %s", reason_of(error))
                continue
            if found is not None:
                self.segments.append(found)
                _log.info("took over %d ledger lines of a dead process", found.waiting)
                if found.torn:
                    _log.warning("%d of its lines were cut off by its death and are left out", found.torn)

    def delivered(self) -> Iterator[JournalSegments]:
        """Yield those without waiting lines; each is removed after that."""
        for segments in [segments for segments in self.segments if not segments.waiting]:
            yield segments
            self.segments.remove(segments)
            segments.close()

    def close(self) -> None:
        """Release all of them; whatever waits in them is left for the next start."""
        for segments in self.segments:
            segments.close()
        self.segments.clear()


def _folders(directory: Path) -> list[Path]:
    return sorted(entry for entry in directory.iterdir() if entry.is_dir()) if directory.exists() else []
