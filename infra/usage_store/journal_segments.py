"""Files with ledger lines not in the store yet; they outlive their process, and others can take them over."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Self

from infra.usage_store.journal_file import JournalFile

SEGMENT_BYTES = 16 * 1024 * 1024
"""Size at which the next file is begun."""

_LOCK = "lock"
_RESERVE = "reserve"
_SUFFIX = ".ndjson"
_ATTEMPTS = 100
_MOST_OPEN = 32


class JournalSegments:
    """Lines in files below a folder, oldest first. Made by :meth:`create` and :meth:`take_over` only.

    The folder belongs to the holder of the lock on its file ``lock``, which the kernel releases when the process ends,
    however it ends. ``read`` and ``allocate_reserve`` may run in another thread; everything else belongs to one thread.

    Attributes:
        waiting: number of lines not released yet.
        torn: number of lines cut off by the death of their process, and left out.
    """

    def __init__(self, folder: Path, lock: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.waiting = 0
        self.torn = 0
        self._folder = folder
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._files: deque[JournalFile] = deque()
        self._begun = 0

    @classmethod
    def create(cls, directory: Path, segment_bytes: int = SEGMENT_BYTES) -> Self:
        """Create empty segments below ``directory``; files get little larger than ``segment_bytes``.

        Raises:
            OSError: the file system refuses.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            folder = directory / f"{os.getpid()}-{token_hex(6)}"
            folder.mkdir(mode=0o700)
            # A scan for journals of dead processes may find this one before it is locked, and remove it.
            lock = _lock(folder / _LOCK)
            if lock is not None:
                return cls(folder, lock, segment_bytes)
        msg = "no folder could be locked"
        raise OSError(msg)

    @classmethod
    def take_over(cls, folder: Path) -> Self | None:
        """Open the segments in this folder; None if it belongs to a living process or was removed.

        Raises:
            OSError: the file system refuses.
        """
        lock = _lock(folder / _LOCK)
        if lock is None:
            return None
        segments = cls(folder, lock)
        try:
            segments.free_reserve()
            for path in sorted(folder.glob(f"*{_SUFFIX}")):
                segments._take_over_file(path)
        except BaseException:
            os.close(lock)
            raise
        return segments

    @property
    def name(self) -> str:
        """Name of the folder, unique for the process that created it."""
        return self._folder.name

    @property
    def removed(self) -> bool:
        """True if the folder or a file in use was removed: new lines would not outlive the process."""
        return os.fstat(self._lock).st_nlink == 0 or any(file.removed for file in self._files)

    def allocate_reserve(self, size: int) -> None:
        """Reserve space on the disk, to be freed once the disk is full.

        Raises:
            OSError: the file system refuses.
        """
        file = os.open(self._folder / _RESERVE, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
        finally:
            os.close(file)

    def free_reserve(self) -> None:
        """Free the reserved space, if any."""
        with suppress(OSError):
            (self._folder / _RESERVE).unlink(missing_ok=True)

    def append(self, line: bytes) -> None:
        """Hand one line, which ends with a line break, to the kernel.

        Raises:
            OSError: it could not be written. A part that was written is removed.
        """
        file = self._files[-1] if self._files else None
        if file is None or file.descriptor is None or file.size >= self._segment_bytes:
            file = self._begin_file()
        file.append(line)
        self.waiting += 1

    def read(self, limit: int) -> list[bytes]:
        """Read the oldest waiting lines, at most ``limit``.

        Raises:
            JournalFileLostError: their file was removed or truncated; ``drop`` gives it up.
            OSError: the file system refuses now.
        """
        return self._files[0].read(limit) if self.waiting else []

    def release(self, lines: list[bytes]) -> None:
        """Remove the lines that the latest ``read`` returned; delete files that are no longer needed."""
        file = self._files[0]
        file.release(lines)
        self.waiting -= len(lines)
        if file.done == file.size:
            if len(self._files) == 1 and file.descriptor is not None:
                file.clear()
            else:
                self._files.popleft().remove()

    def drop(self) -> int:
        """Give up the oldest file and return the number of its lines, which are lost."""
        file = self._files.popleft()
        file.remove()
        self.waiting -= file.lines
        return file.lines

    def close(self) -> None:
        """Release the folder; remove it if no line waits in it."""
        self.free_reserve()
        for file in self._files:
            file.close() if self.waiting else file.remove()
        if not self.waiting:
            with suppress(OSError):
                (self._folder / _LOCK).unlink()
                self._folder.rmdir()
        os.close(self._lock)

    def _take_over_file(self, path: Path) -> None:
        content = path.read_bytes()
        size = content.rfind(b"\n") + 1
        self.torn += size < len(content)
        if size:
            self._files.append(JournalFile(path, size, content.count(b"\n")))
            self.waiting += self._files[-1].lines
        else:
            path.unlink()

    def _begin_file(self) -> JournalFile:
        file = JournalFile.create(self._folder / f"{self._begun:08}{_SUFFIX}")
        self._begun += 1
        if not self.waiting:
            while self._files:
                self._files.popleft().remove()
        if len(self._files) >= _MOST_OPEN:
            self._files[-1].close()
        self._files.append(file)
        return file


def _lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock; None if another process holds it or the folder was removed."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink:  # else the previous holder removed the file
            return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None
