"""The supervisor of worker processes: replaces those that crash, and all of them one by one when it is told to."""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import wait

from llmproxy.worker import SIGHUP, Serve, Signals, Worker, collected_signals

logger = logging.getLogger(__name__)

_START_SECONDS = 120.0
"""Time in which a replacement must accept connections."""
_EARLY_SECONDS = 5.0
"""A worker that ends this soon after its start would probably do so again: its successor starts later."""
_LONGEST_DELAY = 30.0
_LOOP_DEATHS, _LOOP_SECONDS = 3, 60.0
"""So many deaths within this time are reported as a crash loop."""
_STOP_MARGIN = 15.0
"""Seconds beyond the drain period in which workers settle calls, and bring the journal to the store."""
_WATCH_SECONDS, _IDLE_SECONDS = 0.5, 60.0


class Supervisor:
    """Runs a number of workers on one socket until a signal: SIGTERM and SIGINT stop them, SIGHUP replaces them.

    Args:
        listener: a bound socket, which workers inherit; it stays open while they are replaced, so that no connection
            is refused.
        serve: runs in each worker; a function of a module.
        count: number of workers.
        stop_seconds: how long workers may take to end.
        on_ready: called when the first worker accepts connections.
        read_settings: called before workers are replaced; returns ``stop_seconds`` anew, or None, having logged why,
            if the workers must stay.
        changed: checked now and then; workers are replaced if it returns true.
    """

    def __init__(
        self,
        listener: socket.socket,
        serve: Serve,
        count: int,
        *,
        stop_seconds: float,
        on_ready: Callable[[], None],
        read_settings: Callable[[], float | None],
        changed: Callable[[], bool] | None = None,
    ) -> None:
        self._listener = listener
        self._serve = serve
        self._count = count
        self._stop_seconds = stop_seconds
        self._on_ready = on_ready
        self._read_settings = read_settings
        self._changed = changed
        self._serving: list[Worker | None] = []
        """By slot; None while the slot waits for its next worker."""
        self._due: dict[int, float] = {}
        """Time at which that one starts, by slot."""
        self._newcomer: Worker | None = None
        self._to_replace: deque[int] = deque()
        self._draining: list[Worker] = []
        self._announced = False
        self._deaths: deque[float] = deque(maxlen=100)
        self._early_deaths = 0

    def run(self) -> int:
        """Supervise until a signal; returns the exit code."""
        failed = False
        with collected_signals() as signals:
            self._serving = [self._start() for _ in range(self._count)]
            while not failed and not signals.take(signal.SIGTERM, signal.SIGINT):
                self._wait(signals)
                self._note_ready()
                failed = self._replace_dead()
                if signals.take(SIGHUP) or (self._changed is not None and self._changed()):
                    self._replace_all()
                self._replace_next()
            self._stop(signals)
        return 1 if failed else 0

    def _start(self) -> Worker:
        return Worker.start(self._serve, self._listener)

    def _all(self) -> list[Worker]:
        return [worker for worker in (*self._serving, self._newcomer, *self._draining) if worker is not None]

    def _wait(self, signals: Signals) -> None:
        """Wait until a worker is ready or ends, a signal arrives, or something is due."""
        seconds = _IDLE_SECONDS if self._changed is None else _WATCH_SECONDS
        for due in self._due.values():
            seconds = min(seconds, max(due - time.monotonic(), 0))
        workers = self._all()
        pipes = [worker.ready_pipe for worker in workers if not worker.ready]
        wait([signals.wakeup, *pipes, *(worker.process.sentinel for worker in workers)], seconds)

    def _note_ready(self) -> None:
        for worker in self._all():
            if worker.became_ready() and not self._announced:
                self._announced = True
                self._on_ready()

    def _replace_dead(self) -> bool:
        """Replace workers that ended by themselves; returns whether the server cannot start at all."""
        self._draining = [worker for worker in self._draining if worker.alive]
        for slot, worker in enumerate(self._serving):
            if worker is not None and not worker.alive:
                if not self._announced:
                    logger.error("a worker process failed to start", extra=worker.facts())
                    return True
                self._serving[slot] = None
                self._due[slot] = time.monotonic() + self._note_death(worker)
        for slot, due in list(self._due.items()):
            if due <= time.monotonic():
                del self._due[slot]
                self._serving[slot] = self._start()
        return False

    def _note_death(self, worker: Worker) -> float:
        """Report a worker that ended by itself; returns the seconds after which its successor starts."""
        now = time.monotonic()
        self._deaths.append(now)
        early = worker.age < _EARLY_SECONDS or not worker.ready
        self._early_deaths = self._early_deaths + 1 if early else 0
        delay = 0.0 if self._early_deaths <= 1 else min(2.0 ** (self._early_deaths - 2), _LONGEST_DELAY)
        facts = worker.facts() | {"restart_in_seconds": delay}
        logger.error("a worker process ended unexpectedly and is replaced", extra=facts)
        recent = sum(now - death < _LOOP_SECONDS for death in self._deaths)
        if recent >= _LOOP_DEATHS:
            facts |= {"ended": recent, "within_seconds": _LOOP_SECONDS}
            logger.error("worker processes keep crashing; earlier lines of the log may tell why", extra=facts)
        return delay

    def _replace_all(self) -> None:
        seconds = self._read_settings()
        if seconds is not None:
            self._stop_seconds = seconds
            if self._newcomer is not None:  # it may have read the settings before they changed again
                self._newcomer.signal(signal.SIGTERM)
                self._draining.append(self._newcomer)
                self._newcomer = None
            self._to_replace = deque(range(self._count))
            logger.info("replacing worker processes one by one", extra={"workers": self._count})

    def _replace_next(self) -> None:
        """Start a new worker, or retire an old one once the new one is ready."""
        new = self._newcomer
        if new is None:
            if self._to_replace:
                self._newcomer = self._start()
        elif new.ready:
            slot = self._to_replace.popleft()
            old, self._serving[slot], self._newcomer = self._serving[slot], new, None
            self._due.pop(slot, None)
            if old is not None:
                old.signal(signal.SIGINT)  # without a drain delay: the server as a whole stays ready
                self._draining.append(old)
            if self._to_replace:
                self._newcomer = self._start()
            else:
                logger.info("all worker processes are replaced")
        elif not new.alive or new.age > _START_SECONDS:
            new.signal(signal.SIGTERM)
            self._draining.append(new)
            self._newcomer = None
            self._to_replace.clear()
            logger.error("a new worker process did not start; the present ones stay", extra=new.facts())

    def _stop(self, signals: Signals) -> None:
        self._listener.close()
        workers = self._all()
        for worker in workers:
            worker.signal(signal.SIGTERM)
        end = time.monotonic() + self._stop_seconds + _STOP_MARGIN
        while (workers := [worker for worker in workers if worker.alive]) and time.monotonic() < end:
            wait([signals.wakeup, *(worker.process.sentinel for worker in workers)], end - time.monotonic())
            if signals.take(signal.SIGINT):
                for worker in workers:
                    worker.signal(signal.SIGINT)
        for worker in workers:
            logger.error("a worker process did not stop in time and is killed", extra=worker.facts())
            worker.signal(signal.SIGKILL)
            worker.process.join()
