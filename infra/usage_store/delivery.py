"""Delivery of batches to a store that can never take some of their lines."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from application.ports.usage_store import UsageStore
from domain.ledger import LedgerLine
from infra.usage_store import codec
from infra.usage_store.journal_segments import JournalSegments

REJECTED = "rejected.ndjson"
"""The file for lines that the store can never take (unreadable, a number beyond 64 bits), for operators to inspect."""

_log = logging.getLogger(__name__)


class Delivery:
    """Adds lines to the store and puts aside those that it can never take.

    Args:
        store: where the lines go.
        directory: folder of the file with lines put aside.

    Attributes:
        delivered: number of lines in the store.
        rejected: number of lines put aside.
    """

    def __init__(self, store: UsageStore, directory: Path) -> None:
        self.delivered = 0
        self.rejected = 0
        self._store = store
        self._directory = directory

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Add lines to the store; one that it can never take does not block the others.

        Raises:
            StoreUnavailableError: the store is unavailable.
            OSError: a line could not be put aside.
        """
        if not lines:
            return
        try:
            await self._store.add(lines)
            self.delivered += len(lines)
        except (ValueError, TypeError, OverflowError) as error:
            if len(lines) == 1:
                self.put_aside(codec.encode(lines[0]), type(error).__name__)
                return
            middle = len(lines) // 2
            await self.add(lines[:middle])
            await self.add(lines[middle:])

    def put_aside(self, text: bytes, reason: str) -> None:
        """Keep a line for operators to inspect.

        Raises:
            OSError: it could not be written.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._directory / REJECTED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, text)
        finally:
            os.close(file)
        self.rejected += 1
        _log.error("a ledger line was put aside in %s: %s", REJECTED, reason)


def read_lines(segments: JournalSegments, limit: int) -> tuple[list[bytes], list[LedgerLine], list[bytes]]:
    """Read lines: their texts, those that can be decoded, and the texts of the others.

    Raises:
        OSError: see ``JournalSegments.read``.
    """
    texts = segments.read(limit)
    lines: list[LedgerLine] = []
    unreadable: list[bytes] = []
    for text in texts:
        try:
            lines.append(codec.decode(text))
        except ValueError:
            unreadable.append(text)
    return texts, lines, unreadable
