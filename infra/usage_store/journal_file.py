"""One file of the journal: lines are appended at its end and read from its beginning."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_CHUNK = 256 * 1024


class JournalFileLostError(OSError):
    """A file of the journal was removed or truncated: its lines are lost."""


@dataclass(slots=True)
class JournalFile:
    """Its open descriptor makes reading independent of further descriptors, and of a removal of the file.

    Args:
        path: where it is.
        size: bytes of whole lines.
        lines: number of lines not released yet.
        done: bytes of released lines.
        descriptor: None if the file is only opened to be read.
    """

    path: Path
    size: int = 0
    lines: int = 0
    done: int = 0
    descriptor: int | None = None

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create an empty file.

        Raises:
            OSError: the file system refuses.
        """
        return cls(path, descriptor=os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600))

    @property
    def removed(self) -> bool:
        """True if the file is open and was removed."""
        return self.descriptor is not None and os.fstat(self.descriptor).st_nlink == 0

    def append(self, line: bytes) -> None:
        """Hand one line to the kernel.

        Raises:
            OSError: it could not be written. A part that was written is removed.
        """
        file = self.descriptor
        assert file is not None  # noqa: S101 - for the type checker: callers append to open files only
        try:
            written = os.write(file, line)
            while written < len(line):
                written += os.write(file, line[written:])
        except OSError:
            try:
                os.ftruncate(file, self.size)
            except OSError:
                self.close()  # nothing more may be appended to a partial line
            raise
        self.size += len(line)
        self.lines += 1

    def read(self, limit: int) -> list[bytes]:
        """Read the oldest lines not released yet, at most ``limit``.

        Raises:
            JournalFileLostError: the file was removed or truncated.
            OSError: the file system refuses now.
        """
        if self.descriptor is not None:
            return self._read(self.descriptor, limit)
        try:
            file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise JournalFileLostError(error.errno, error.strerror) from None
        try:
            return self._read(file, limit)
        finally:
            os.close(file)

    def release(self, lines: list[bytes]) -> None:
        """Count the lines that the latest ``read`` returned as done."""
        self.done += sum(map(len, lines))
        self.lines -= len(lines)

    def clear(self) -> None:
        """Remove the content. If this fails, the lines are merely read once more after a crash."""
        with suppress(OSError):
            if self.descriptor is not None:
                os.ftruncate(self.descriptor, 0)
                self.size = self.done = 0

    def close(self) -> None:
        """Close the descriptor, if any."""
        if self.descriptor is not None:
            file, self.descriptor = self.descriptor, None
            with suppress(OSError):
                os.close(file)

    def remove(self) -> None:
        """Close and delete the file. If this fails, its lines are merely read once more after a take-over."""
        self.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _read(self, file: int, limit: int) -> list[bytes]:
        lines: list[bytes] = []
        at, rest = self.done, b""
        while at < self.size and len(lines) < limit:
            block = os.pread(file, min(_CHUNK, self.size - at), at)
            if not block:
                break
            at += len(block)
            *whole, rest = (rest + block).split(b"\n")
            lines += [line + b"\n" for line in whole]
        if not lines:
            raise JournalFileLostError(None, "a file of the journal was truncated")
        return lines[:limit]
