"""A worker process as its supervisor sees it, and the signals that a supervisor gets."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import FrameType

Serve = Callable[[socket.socket, Connection], None]
SIGHUP: int | None = getattr(signal, "SIGHUP", None)
"""None on Windows."""

_spawn = multiprocessing.get_context("spawn")


def serve(listener: socket.socket, ready: Connection) -> None:
    """Serve in a worker process; see ``llmproxy.server.run_worker``."""
    # Imported late: the supervisor itself needs neither uvicorn nor FastAPI.
    from llmproxy.server import run_worker  # noqa: PLC0415

    run_worker(listener, ready)


@dataclass(eq=False)
class Worker:
    """One worker process.

    Args:
        process: which serves.
        ready_pipe: reports when it accepts connections.
    """

    process: BaseProcess
    ready_pipe: Connection
    started: float = field(default_factory=time.monotonic)
    ready: bool = False

    @classmethod
    def start(cls, serve: Serve, listener: socket.socket) -> Worker:
        """Start a process that serves on a socket.

        Args:
            serve: a function of a module.
            listener: a bound socket, which the process inherits.
        """
        receiving, sending = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=serve, args=(listener, sending), name="llmproxy worker")
        process.start()
        sending.close()
        return cls(process, receiving)

    def became_ready(self) -> bool:
        """Return whether it has reported just now that it accepts connections."""
        if self.ready or not self.ready_pipe.poll():
            return False
        with suppress(EOFError):  # it has ended
            self.ready_pipe.recv()
            self.ready = True
        return self.ready

    @property
    def alive(self) -> bool:
        """True until the process has ended."""
        return self.process.is_alive()

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.process.pid is not None and self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def facts(self) -> dict[str, object]:
        """Describe it, and how it ended, for logs."""
        code = self.process.exitcode
        if code is not None and code < 0:
            return {"worker": self.process.pid, "signal": signal.Signals(-code).name}
        return {"worker": self.process.pid, "exit_code": code}


class Signals:
    """The signals that this process got and nobody has taken yet.

    Args:
        wakeup: a socket that can be read once there is one.
    """

    def __init__(self, wakeup: socket.socket) -> None:
        self.wakeup = wakeup
        self._pending: list[int] = []

    def note(self, number: int, _frame: FrameType | None = None) -> None:
        """Note a signal; the handler of all of them."""
        self._pending.append(number)

    def take(self, *numbers: int | None) -> int:
        """Return how many of these signals are pending, and forget them."""
        with suppress(BlockingIOError):
            self.wakeup.recv(4096)
        taken = [number for number in self._pending if number in numbers]
        for number in taken:
            self._pending.remove(number)
        return len(taken)


@contextmanager
def collected_signals() -> Iterator[Signals]:
    """Collect SIGTERM, SIGINT and SIGHUP instead of ending the process, until the block ends."""
    reading, writing = socket.socketpair()
    with reading, writing:
        for end in (reading, writing):
            end.setblocking(False)  # noqa: FBT003 - it takes no name
        collected = Signals(reading)
        numbers = [number for number in (signal.SIGTERM, signal.SIGINT, SIGHUP) if number is not None]
        before = {number: signal.signal(number, collected.note) for number in numbers}
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield collected
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
