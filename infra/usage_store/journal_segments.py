"""Ledger lines on their way to the store: files of one process, which outlive it and which others can take over."""

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
"""Size of a file from which on a new one is begun."""

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

    The folder belongs to whoever holds the lock on the file ``lock`` in it. The kernel lets go of that lock when its
    process ends, however it ends. ``read`` may run in another thread; everything else belongs to one thread.

    Attributes:
        waiting: number of lines that have not been released.
        torn: number of lines that were cut off by the death of their process, and left out.
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
        """A new and empty segments below ``directory``; its files get little larger than ``segment_bytes``.

        Raises:
            OSError: the file system refuses.
        """
        for _ in range(_ATTEMPTS):
            folder = directory / f"{os.getpid()}-{token_hex(6)}"
            folder.mkdir(mode=0o700)
            # Whoever looks for spools of the dead may find this one before it is locked, and remove it.
            lock = _lock(folder / _LOCK)
            if lock is not None:
                return cls(folder, lock, segment_bytes)
        msg = "no folder could be locked"
        raise OSError(msg)

    @classmethod
    def take_over(cls, folder: Path) -> Self | None:
        """The segments in this folder with all that waits in it; ``None`` = it belongs to a living process, or is gone.

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
            OSError: it could not be written. What was written of it is not part of the segments.
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
        """The oldest lines that wait, up to ``limit`` of them.

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
                        msg = "a file of the journal is shorter than what was written to it"
                        raise OSError(msg)
                    left -= len(line)
                    lines.append(line)
        return lines

    def release(self, lines: list[bytes]) -> None:
        """Forget what the latest ``read`` returned; files that are not needed any more are deleted."""
        segment = self._segments[0]
        segment.done += sum(map(len, lines))
        self.waiting -= len(lines)
        if segment.done == segment.size:
            if segment.file is None:
                segment.path.unlink(missing_ok=True)
                self._segments.popleft()
            else:
                # If it cannot be done, the lines would merely be read once more after a crash.
                with suppress(OSError):
                    os.ftruncate(segment.file, 0)
                    segment.size = segment.done = 0

    def close(self) -> None:
        """Let go of the folder; remove it if no line waits in it."""
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
        """Take half a line out again; where that fails, nothing more is appended to the file."""
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
    """A descriptor that holds the lock; ``None`` = somebody else holds it, or the folder is gone."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink:  # else the previous holder removed the file, and with it what there was to own
            return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None
