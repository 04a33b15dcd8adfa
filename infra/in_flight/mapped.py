"""The record in memory-mapped files: written without system calls, and complete when a process is killed."""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from application.ports.in_flight import LeftBehind
from infra.in_flight.record import SlotRecord, read_left_behind

_log = logging.getLogger(__name__)

_LOCK = "lock"
_MOST_AT_ONCE = 16


class MappedInFlight(SlotRecord):
    """Files below a folder of this process, which others can take over when it is dead.

    The folder belongs to whoever holds the lock on the file ``lock`` in it; the kernel releases it when its process
    ends, however it ends. A process that starts continues under the name of a dead one, if there is one: so it has
    what that one was granted, also while the lease store is unavailable.

    Args:
        directory: for this purpose alone; shared with the other processes on the same data. Local disk.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks: dict[str, int] = {}
        self._closed = False
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        adopted = self._adopt()
        holder = adopted or self._create()
        self._folder = directory / holder
        self._old_calls = _files(self._folder, "calls")
        self._numbers = {"calls": _next_number(self._old_calls), "slices": 0}
        slices = _files(self._folder, "slices")
        self._numbers["slices"] = _next_number(slices)
        super().__init__(holder, self._more, [_map(path) for path in slices])
        self.count_calls([_map(path) for path in self._old_calls])
        left = _read(self._folder)
        self._left = [left] if left.calls else []
        if not left.calls:
            self._remove_old_calls()

    def orphans(self) -> Sequence[LeftBehind]:
        """Take over what dead processes left behind."""
        found = list(self._left)
        for folder in sorted(self._directory.iterdir()):
            if len(found) >= _MOST_AT_ONCE:
                break
            if folder.name != self.holder and (folder.name in self._locks or self._lock(folder)):
                found.append(_read(folder))
        return found

    def bury(self, holder: str) -> None:
        """Remove what a dead process left behind. Of the one whose name this process has, only its calls."""
        if holder == self.holder:
            self._left = []
            self._remove_old_calls()
            return
        lock = self._locks.pop(holder, None)
        shutil.rmtree(self._directory / holder, ignore_errors=True)
        if lock is not None:
            os.close(lock)

    def close(self, *, empty: bool) -> None:
        """Release the record, and remove it if nothing is left to take over."""
        if self._closed:
            return
        self._closed = True
        if empty and not self._left:
            shutil.rmtree(self._folder, ignore_errors=True)
        for lock in self._locks.values():
            os.close(lock)
        self._locks.clear()

    def _adopt(self) -> str | None:
        for folder in sorted(self._directory.iterdir()):
            if folder.is_dir() and self._lock(folder):
                return folder.name
        return None

    def _create(self) -> str:
        while True:
            name = f"{os.getpid()}-{token_hex(6)}"
            (self._directory / name).mkdir(mode=0o700)
            # Whoever looks for the dead may find the folder before it is locked, and take it.
            if self._lock(self._directory / name):
                return name

    def _lock(self, folder: Path) -> bool:
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        if not os.fstat(lock).st_nlink:  # its holder removed it meanwhile
            os.close(lock)
            return False
        self._locks[folder.name] = lock
        return True

    def _remove_old_calls(self) -> None:
        for path in self._old_calls:
            path.unlink(missing_ok=True)
        self._old_calls = []

    def _more(self, kind: str, size: int) -> memoryview:
        try:
            return self._new_file(kind, size)
        except OSError as error:
            # Calls are served all the same: what is lost is their recovery if this process is killed.
            _log.error("the record of calls in flight is kept in memory only: %s", error.strerror)
            return memoryview(mmap.mmap(-1, size))

    def _new_file(self, kind: str, size: int) -> memoryview:
        path = self._folder / f"{kind}-{self._numbers[kind]:04}"
        self._numbers[kind] += 1
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # A sparse mapping on a full disk would end the process with SIGBUS at its first write.
            os.posix_fallocate(file, 0, size)
            return memoryview(mmap.mmap(file, size))
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(file)


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*"))


def _next_number(files: Sequence[Path]) -> int:
    return int(files[-1].name.rpartition("-")[2]) + 1 if files else 0


def _map(path: Path) -> memoryview:
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 0))


def _read(folder: Path) -> LeftBehind:
    calls = [memoryview(path.read_bytes()) for path in _files(folder, "calls")]
    slices = [memoryview(path.read_bytes()) for path in _files(folder, "slices")]
    return read_left_behind(folder.name, calls, slices)
