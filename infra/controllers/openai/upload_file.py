"""Where forms lie while they are served: small parts in memory, large ones in a file on disk that has no name."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from domain.errors import UnavailableError

BLOCK = 256 * 1024
"""Bytes that are written and read at once."""
_THREADS = 4

logger = logging.getLogger("llmproxy.uploads")


class InMemory:
    """The content of a small part.

    Args:
        data: all of it.
    """

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._data)

    def read(self, start: int, length: int) -> bytes:
        """A piece of it."""
        return self._data[start : start + length]

    def blocks(self) -> Iterator[bytes]:
        """All of it."""
        if self._data:
            yield self._data


class OnDisk:
    """The content of a large part. It is gone when its upload is closed: reading raises ``ValueError`` then.

    Args:
        upload: holds the file.
        start: where in the file it begins.
        size: in bytes.
    """

    __slots__ = ("_size", "_spool", "_start")

    def __init__(self, upload: UploadFile, start: int, size: int) -> None:
        self._spool = upload
        self._start = start
        self._size = size

    @property
    def size(self) -> int:
        """In bytes."""
        return self._size

    def read(self, start: int, length: int) -> bytes:
        """A piece of it, copied out of the file: nothing of it stays in memory."""
        return self._spool.read(self._start + start, max(0, min(length, self._size - start)))

    def blocks(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        for start in range(0, self._size, BLOCK):
            yield self.read(start, BLOCK)


class UploadFile:
    """The one file of a form. It exists from its first byte on, and until ``close``.

    A thread may be in the middle of using the file when the call is over (its caller hung up, say): the last one who
    uses it closes it then, so that its number cannot mean another file meanwhile.

    Args:
        folder: to make it in.
        threads: where to wait for the disk.
    """

    def __init__(self, folder: Path | None, threads: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._threads = threads
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
        """Take bytes that the next ``flush`` writes, behind those taken before; where in the file they begin."""
        start = self._size
        self._waiting.append(block)
        self._size += len(block)
        return start

    async def flush(self) -> None:
        """Write what was put.

        Raises:
            UnavailableError: the disk does not take it.
        """
        if not self._waiting:
            return
        blocks, self._waiting = self._waiting, []
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._write, blocks)
        except OSError as error:
            logger.error("an upload cannot be stored", extra={"reason": error.strerror})  # noqa: TRY400 - no fault of ours
            raise UnavailableError("The upload cannot be stored at the moment.") from None

    def read(self, start: int, length: int) -> bytes:
        """Bytes that were written.

        Raises:
            ValueError: the upload is closed.
        """
        with self._in_use():
            return b"" if self._file is None else os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        """Give up the file and everything in it. Safe to repeat."""
        with self._lock:
            unused = not self._closed and self._users == 0
            self._closed = True
            self._waiting = []
        if unused and self._file is not None:
            self._threads.submit(self._file.close)  # to free 20 MB takes a disk its time

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
                raise ValueError("the form is not kept any more")
            self._users += 1
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._closed and self._users == 0
        if last and self._file is not None:
            self._file.close()


class Uploads:
    """Makes spools.

    Args:
        folder: for their files, made when the first one is needed; ``None`` = the system's for temporary files.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        # Threads of their own: a slow disk must not hold up what else threads are needed for, looking up names first of
        # all. The first form starts them.
        self._threads = ThreadPoolExecutor(_THREADS, "uploads")

    def upload(self) -> UploadFile:
        """For one form; must be closed."""
        return UploadFile(self._folder, self._threads)
