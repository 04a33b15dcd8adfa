"""A log file that may be renamed while it is written, as logrotate does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from infra.telemetry.log_writer import LogWriter


class LogFile(LogWriter):
    """A writer that appends to a file, and follows its name: what is renamed or removed is opened anew.

    Args:
        path: of the file; it is created readable by its owner alone.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        super().__init__(self._file)

    def _write(self, data: bytes) -> bool:
        try:
            self._follow()
        except OSError:  # the folder was removed: the lines are lost, and counted
            return False
        return super()._write(data)

    def _follow(self) -> None:
        """Open the file anew where its name means another one. Called by the thread that writes."""
        now = os.fstat(self._descriptor)
        try:
            named = self._path.stat()
        except FileNotFoundError:
            named = None
        if named is None or (named.st_dev, named.st_ino) != (now.st_dev, now.st_ino):
            file = _opened(self._path)
            self._file.close()
            self._file, self._descriptor = file, file.fileno()


def _opened(path: Path) -> TextIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8")  # noqa: PTH123 - a descriptor, kept open
