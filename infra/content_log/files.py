"""Content as JSON lines, in one file for each project, day and retention, readable by this user only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from application.errors import StoreUnavailableError
from application.ports.content_log import ContentRecord

T = TypeVar("T")
_LOCK = ".lock"


class FileContentLog:
    """Files ``PROJECT/2026-11-29.30d.jsonl`` below a folder. Processes take turns by a lock.

    Args:
        folder: for these files alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(ContentRecord).decode

    async def prepare(self) -> None:
        """Do nothing: folders are made with the first record."""

    async def open(self) -> None:
        """Do nothing, for the same reason."""

    async def add(self, records: Sequence[ContentRecord]) -> None:
        """Append records."""
        await self._in_thread(lambda: self._add(records))

    async def find(self, end_user: str) -> Sequence[ContentRecord]:
        """Read every record that names this end user, oldest first."""

        def work() -> list[ContentRecord]:
            found = [record for path in self._files() for record in self._read(path) if record.end_user == end_user]
            return sorted(found, key=lambda record: record.time_ms)

        return await self._in_thread(work)

    async def erase(self, end_user: str) -> int:
        """Remove every record that names this end user: files that have one are written anew."""
        return await self._in_thread(lambda: sum(self._erase(path, end_user) for path in self._files()))

    async def expire(self, now_ms: int) -> None:
        """Remove files whose time is over."""

        def work() -> None:
            today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
            for path in self._files():
                day, _, rest = path.name.partition(".")
                kept = timedelta(days=int(rest.partition("d")[0]) + 1)  # the day itself is complete
                if datetime.fromisoformat(day).date() + kept <= today:
                    path.unlink(missing_ok=True)

        await self._in_thread(work)

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def locked() -> T:
            with self._lock():
                return work()

        try:
            return await asyncio.to_thread(locked)
        except OSError as error:
            raise StoreUnavailableError(f"the content log: {error.strerror}") from None

    def _add(self, records: Sequence[ContentRecord]) -> None:
        lines: dict[Path, list[bytes]] = {}
        for record in records:
            day = datetime.fromtimestamp(record.time_ms / 1000, UTC).date().isoformat()
            name = f"{day}.{record.retention_days}d.jsonl"
            path = self._folder / quote(record.project, safe="") / name
            lines.setdefault(path, []).append(self._encode(record) + b"\n")
        for path, of_file in lines.items():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:  # noqa: PTH123 - a descriptor
                file.write(b"".join(of_file))

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*/????-??-??.*d.jsonl"))

    def _read(self, path: Path) -> Iterator[ContentRecord]:
        for line in path.read_bytes().splitlines():
            try:
                yield self._decode(line)
            except msgspec.MsgspecError:  # cut by a crash or a full disk
                continue

    def _erase(self, path: Path, end_user: str) -> int:
        records = list(self._read(path))
        left = [record for record in records if record.end_user != end_user]
        if len(left) == len(records):
            return 0
        temporary = path.with_suffix(".new")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(b"".join(self._encode(record) + b"\n" for record in left))
        temporary.replace(path)
        return len(records) - len(left)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        import fcntl  # noqa: PLC0415 - does not exist on Windows

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self._folder / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
