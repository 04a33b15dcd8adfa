"""Writing of logs in a thread, so that a reader that stops reading, or a full disk, never stops the server."""

from __future__ import annotations

import os
import select
import threading
from queue import SimpleQueue
from typing import TextIO

_MOST_WAITING = 1024 * 1024
"""Bytes that may wait to be written; more are dropped, and counted."""
_DRAIN_SECONDS = 1.0


class LogWriter:
    """A stream for logs that never blocks.

    Args:
        stream: with a file descriptor; its own buffer is not used.
    """

    def __init__(self, stream: TextIO) -> None:
        self._descriptor = stream.fileno()
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiting = 0
        self._closed = False
        self.dropped = 0
        """Number of lines that were dropped."""

    @property
    def stuck(self) -> bool:
        """True while most of what may wait is waiting."""
        return self._waiting > _MOST_WAITING // 2

    def write(self, text: str) -> int:
        """Write lines, now or soon."""
        data = text.encode("utf-8", "replace")
        with self._lock:
            if self._closed:
                self._write_directly(data)
            elif self._waiting + len(data) > _MOST_WAITING:
                self.dropped += data.count(b"\n")
            else:
                self._waiting += len(data)
                self._queue.put(data)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
                    self._thread.start()
        return len(text)

    def flush(self) -> None:
        """Do nothing: lines are written as soon as possible anyway."""

    def close(self) -> None:
        """Write what waits, for a second at most. What comes later is written directly, if that does not block."""
        with self._lock:
            thread, self._closed = self._thread, True
            self._queue.put(None)
        if thread is not None:
            thread.join(_DRAIN_SECONDS)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            written = self._write(data)
            with self._lock:
                self._waiting -= len(data)
                if not written:
                    self.dropped += data.count(b"\n")

    def _write(self, data: bytes) -> bool:
        left = memoryview(data)
        try:
            while left:
                select.select((), (self._descriptor,), ())  # it may be non-blocking, for others
                left = left[os.write(self._descriptor, left) :]
        except (OSError, ValueError):  # closed, or a full disk
            return False
        return True

    def _write_directly(self, data: bytes) -> None:
        if self._waiting or not select.select((), (self._descriptor,), (), 0)[1] or not self._write(data):
            self.dropped += data.count(b"\n")
