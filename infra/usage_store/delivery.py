"""Giving batches of ledger lines to the store when some of them may be such that it can never take them."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from application.ports.usage_store import UsageStore
from domain.ledger import LedgerLine
from infra.usage_store import codec

REJECTED = "rejected.ndjson"
"""The file for lines that cannot be read, or have a number beyond 64 bits, say. People have to look at them."""

_log = logging.getLogger(__name__)


class Delivery:
    """Brings lines to the store and puts aside what can never get there.

    Args:
        store: where the lines go.
        directory: where the file of those put aside is.

    Attributes:
        rejected: number of lines put aside.
    """

    def __init__(self, store: UsageStore, directory: Path) -> None:
        self.rejected = 0
        self._store = store
        self._directory = directory

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Add lines to the store; one that it can never take does not hold up the others.

        Raises:
            StoreUnavailableError: the store is away.
            OSError: a line could not be put aside.
        """
        if not lines:
            return
        try:
            await self._store.add(lines)
        except (ValueError, TypeError, OverflowError) as error:
            if len(lines) == 1:
                self.put_aside(codec.encode(lines[0]), type(error).__name__)
                return
            middle = len(lines) // 2
            await self.add(lines[:middle])
            await self.add(lines[middle:])

    def put_aside(self, text: bytes, reason: str) -> None:
        """Keep a line for people to look at.

        Raises:
            OSError: it could not be written.
        """
        file = os.open(self._directory / REJECTED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, text)
        finally:
            os.close(file)
        self.rejected += 1
        _log.error("a ledger line was put aside in %s: %s", REJECTED, reason)
