"""Files with ledger lines not in the store yet; they outlive their process, and others can take them over."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Self

SEGMENT_BYTES = 16 * 1024 * 1024
"""Size at which the next file is begun."""

_LOCK = "lock"
_SUFFIX = ".ndjson"
_ATTEMPTS = 100


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int = 0  # bytes of whole lines
    done: int = 0  # bytes of lines that have been released
    file: int | None = None  # open while lines are appended


class JournalSegments:
    """Lines in files below a folder, oldest first. Made by :meth:`create` and :meth:`take_over` only.

    The folder belongs to the holder of the lock on its file ``lock``, which the kernel releases when the process ends,
    however it ends. ``read`` may run in another thread; everything else belongs to one thread.

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
        self._segments: deque[_Segment] = deque()
        self._begun = 0

    @classmethod
    def create(cls, directory: Path, segment_bytes: int = SEGMENT_BYTES) -> Self:
        """Create empty segments below ``directory``; files get little larger than ``segment_bytes``.

        Raises:
            OSError: the file system refuses.
        """
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
            for path in sorted(folder.glob(f"*{_SUFFIX}")):
                segments._take_over_segment(path)
        except BaseException:
            os.close(lock)
            raise
        return segments

    def append(self, line: bytes) -> None:
        """Hand one line, which ends with a line break, to the kernel.

        Raises:
            OSError: it could not be written. A part that was written is removed.
        """
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.file is None or segment.size >= self._segment_bytes:
            segment = self._begin_segment()
        file = segment.file
        assert file is not None  # noqa: S101 - for the type checker: a segment begins open
        try:
            written = os.write(file, line)
            while written < len(line):
                written += os.write(file, line[written:])
        except OSError:
            self._cut_off(segment, file)
            raise
        segment.size += len(line)
        self.waiting += 1

    def read(self, limit: int) -> list[bytes]:
        """Read the oldest waiting lines, at most ``limit``.

        Raises:
            OSError: the file system refuses.
        """
        lines: list[bytes] = []
        if self.waiting:
            segment = self._segments[0]
            left = segment.size - segment.done
            with segment.path.open("rb", buffering=64 * 1024) as file:
                file.seek(segment.done)
                while left > 0 and len(lines) < limit:
                    line = file.readline()
                    if not line:
                        msg = "a file of the journal was truncated"
                        raise OSError(msg)
                    left -= len(line)
                    lines.append(line)
        return lines

    def release(self, lines: list[bytes]) -> None:
        """Remove the lines that the latest ``read`` returned; delete files that are no longer needed."""
        segment = self._segments[0]
        segment.done += sum(map(len, lines))
        self.waiting -= len(lines)
        if segment.done == segment.size:
            if segment.file is None:
                segment.path.unlink(missing_ok=True)
                self._segments.popleft()
            else:
                # If this fails, the lines are merely read once more after a crash.
                with suppress(OSError):
                    os.ftruncate(segment.file, 0)
                    segment.size = segment.done = 0

    def close(self) -> None:
        """Release the folder; remove it if no line waits in it."""
        for segment in self._segments:
            self._close_file(segment)
        if not self.waiting:
            with suppress(OSError):
                for segment in self._segments:
                    segment.path.unlink(missing_ok=True)
                (self._folder / _LOCK).unlink()
                self._folder.rmdir()
        os.close(self._lock)

    def _take_over_segment(self, path: Path) -> None:
        content = path.read_bytes()
        size = content.rfind(b"\n") + 1
        self.torn += size < len(content)
        if size:
            self.waiting += content.count(b"\n")
            self._segments.append(_Segment(path, size))
        else:
            path.unlink()

    def _begin_segment(self) -> _Segment:
        path = self._folder / f"{self._begun:08}{_SUFFIX}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._begun += 1
        if self._segments:
            self._close_file(self._segments[-1])
        if not self.waiting:
            while self._segments:
                self._segments.popleft().path.unlink(missing_ok=True)
        self._segments.append(_Segment(path, file=file))
        return self._segments[-1]

    def _cut_off(self, segment: _Segment, file: int) -> None:
        """Remove a partial line; if that fails, append nothing more to the file."""
        try:
            os.ftruncate(file, segment.size)
        except OSError:
            self._close_file(segment)

    def _close_file(self, segment: _Segment) -> None:
        if segment.file is not None:
            file, segment.file = segment.file, None
            with suppress(OSError):
                os.close(file)


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
