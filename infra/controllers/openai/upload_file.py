"""Storage of forms while they are served: small parts in memory, large ones in an unnamed file on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from domain.errors import RateLimitedError, UnavailableError

BLOCK = 256 * 1024
"""Bytes per write and read."""
_THREADS = 4

logger = logging.getLogger("llmproxy.uploads")


class OnDisk:
    """Content of a large part; reading raises ``ValueError`` once the upload is closed.

    Args:
        upload: holds the file.
        start: offset in the file.
        size: in bytes.
    """

    __slots__ = ("_size", "_start", "_upload")

    def __init__(self, upload: UploadFile, start: int, size: int) -> None:
        self._upload = upload
        self._start = start
        self._size = size

    @property
    def size(self) -> int:
        """In bytes."""
        return self._size

    def read(self, start: int, length: int) -> bytes:
        """Read a slice from the file."""
        return self._upload.read(self._start + start, max(0, min(length, self._size - start)))

    def blocks(self) -> Iterator[bytes]:
        """Iterate over all of it, block by block."""
        for start in range(0, self._size, BLOCK):
            yield self.read(start, BLOCK)


class UploadFile:
    """The file of a form, created with its first byte and deleted by ``close``.

    A thread may still use the file when the call ends (its caller disconnects, say): the last user then closes it, so
    that its descriptor cannot refer to another file meanwhile.

    Args:
        uploads: its folder, its threads, and what all files together may hold.
        owner: key of the request.
    """

    def __init__(self, uploads: Uploads, owner: str) -> None:
        self._uploads = uploads
        self._folder = uploads.folder
        self._threads = uploads.threads
        self._owner = owner
        self._waiting: list[bytes | bytearray] = []
        self._size = 0
        self._file: FileIO | None = None
        self._lock = Lock()
        self._users = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, block: bytes | bytearray) -> int:
        """Append bytes, which the next ``flush`` writes; returns their offset in the file.

        Raises:
            UnavailableError: all files together would be too large.
        """
        self._uploads.take(len(block))
        start = self._size
        self._waiting.append(block)
        self._size += len(block)
        return start

    async def flush(self) -> None:
        """Write what was put.

        Raises:
            UnavailableError: the disk is full or fails.
        """
        if not self._waiting:
            return
        blocks, self._waiting = self._waiting, []
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._write, blocks)
        except OSError as error:
            logger.error("an upload cannot be stored", extra={"reason": error.strerror})  # noqa: TRY400 - not a bug
            raise UnavailableError("The upload cannot be stored at the moment.") from None

    def read(self, start: int, length: int) -> bytes:
        """Read bytes that were written.

        Raises:
            ValueError: the upload is closed.
        """
        with self._in_use():
            return b"" if self._file is None else os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        """Delete the file. Safe to repeat."""
        with self._lock:
            first, unused = not self._closed, not self._closed and self._users == 0
            self._closed = True
            self._waiting = []
        if first:
            self._uploads.closed(self._owner, self._size)
        if unused and self._file is not None:
            self._threads.submit(self._file.close)  # freeing 20 MB on a disk is slow

    def _write(self, blocks: list[bytes | bytearray]) -> None:
        with self._in_use():
            if self._file is None:
                if self._folder is not None:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            for block in blocks:
                left = memoryview(block)
                while left:
                    left = left[self._file.write(left) :]

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ValueError("upload already closed")
            self._users += 1
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._closed and self._users == 0
        if last and self._file is not None:
            self._file.close()


class Uploads:
    """Factory of upload files, with limits for all of them.

    Args:
        folder: for the files, created with the first one; None for the system's temporary folder.
        budget: bytes that all files together may have.
        per_key: maximum number of requests with files that one key may have at a time.
    """

    def __init__(self, folder: Path | None, budget: int = 4 << 30, per_key: int = 32) -> None:
        self.folder = folder
        # Own threads, started by the first form: a slow disk must not delay other work of the default pool, such as
        # name resolution.
        self.threads = ThreadPoolExecutor(_THREADS, "uploads")
        self._budget = budget
        self._per_key = per_key
        self._used = 0
        self._open: Counter[str] = Counter()

    def upload(self, owner: str = "") -> UploadFile:
        """Create the file of one form; must be closed.

        Args:
            owner: key of the request.

        Raises:
            RateLimitedError: this key has too many uploads at the moment.
        """
        if self._open[owner] >= self._per_key:
            raise RateLimitedError(f"This key has {self._per_key} uploads in progress, the maximum.", retry_after=1)
        self._open[owner] += 1
        return UploadFile(self, owner)

    def facts(self) -> Mapping[str, object]:
        """Collect the counters for the health page."""
        return {"in_progress": self._open.total(), "bytes": self._used}

    def take(self, size: int) -> None:
        """Count bytes of a file.

        Raises:
            UnavailableError: all files together would be too large.
        """
        if self._used + size > self._budget:
            raise UnavailableError("Too many uploads are in progress; try again later.", retry_after=1)
        self._used += size

    def closed(self, owner: str, size: int) -> None:
        """Forget a file."""
        self._used -= size
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]
