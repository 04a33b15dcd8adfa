"""Wiring of injected faults: settings, and the file through which workers of a server share experiments."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from application.serving.chaos import Chaos
from domain.errors import InvalidRequestError
from llmproxy.server_settings import ChaosMode
from llmproxy.settings import Settings

_EXPERIMENT = "experiment.json"
_COUNTS_KEPT = 2 * 24 * 3600.0
"""Seconds after which counts of earlier processes are removed: twice the longest experiment."""
_INTERVAL = 0.5
"""Seconds between two looks at the file."""


class SharedExperiment:
    """The experiment of a server, in a folder that its worker processes share, with the counts of each.

    Args:
        chaos: of this process.
        folder: for these files alone; None if this process is the only one.
    """

    def __init__(self, chaos: Chaos, folder: Path | None) -> None:
        self._chaos = chaos
        self._folder = folder
        parent = multiprocessing.parent_process()
        self._server = os.getpid() if parent is None or parent.pid is None else parent.pid
        self._seen: dict[str, Any] | None = None
        self._counted: tuple[float, Sequence[int]] = (0.0, ())

    def tell(self, body: dict[str, Any] | None) -> None:
        """Pass an experiment that this process has started, or its end, to the others.

        Raises:
            OSError: it failed.
        """
        if self._folder is not None:
            self._seen = {"server": self._server, "started": self._started, "body": body}
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._folder / _EXPERIMENT, self._seen)
            for path in self._folder.glob("counts-*"):
                if path.stat().st_mtime < time.time() - _COUNTS_KEPT:
                    path.unlink(missing_ok=True)

    def catch_up(self) -> None:
        """Start and stop here what another process has started and stopped."""
        if self._folder is not None:
            with suppress(OSError, ValueError, KeyError, TypeError, InvalidRequestError):
                self._take(self._folder)

    def injected(self) -> Iterator[Sequence[int]]:
        """Yield how often each other process has injected each fault of the experiment."""
        experiment = self._chaos.experiment
        for path in () if self._folder is None or experiment is None else sorted(self._folder.glob("counts-*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                data = json.loads(path.read_text("utf-8"))
                counts = [int(count) for count in data["injected"]]
                own = path.stem == f"counts-{os.getpid()}"
                same = (data["server"], data["started"]) == (self._server, self._started)
                if same and not own and experiment is not None and len(counts) == len(experiment.faults):
                    yield counts

    async def follow(self) -> None:
        """Start and stop what other processes start and stop, and write the counts of this one, again and again."""
        while self._folder is not None:
            self.catch_up()
            with suppress(OSError):
                self._count(self._folder)
            await asyncio.sleep(_INTERVAL)

    @property
    def _started(self) -> float:
        return 0.0 if self._chaos.experiment is None else self._chaos.experiment.started

    def _take(self, folder: Path) -> None:
        state = json.loads((folder / _EXPERIMENT).read_text("utf-8"))
        if state != self._seen and state["server"] == self._server:
            self._seen = state
            self._chaos.stop()
            if state["body"] is not None:
                self._chaos.start(state["body"], float(state["started"]))

    def _count(self, folder: Path) -> None:
        counted = (self._started, self._chaos.injected)
        if counted != self._counted and any(self._chaos.injected):
            state = {"server": self._server, "started": self._started, "injected": self._chaos.injected}
            _replace(folder / f"counts-{os.getpid()}.json", state)
            self._counted = counted


def _replace(path: Path, state: dict[str, Any]) -> None:
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(state), encoding="utf-8")
    temporary.replace(path)


def make_chaos(settings: Settings) -> Chaos:
    """Build the experiment of this process, with what the settings start."""
    chaos = Chaos(time.time, random.random, enabled=settings.llmproxy_chaos is not ChaosMode.OFF)
    body = settings.llmproxy_chaos_engineering
    if chaos.enabled and body is not None and body.get("enabled", True):
        chaos.start({"experiment_name": "settings", **body})
    return chaos


@asynccontextmanager
async def shared(chaos: Chaos, folder: Path | None) -> AsyncIterator[SharedExperiment]:
    """Follow the experiments of other worker processes until the block ends.

    Args:
        chaos: of this process.
        folder: ``DATA_DIR``, which worker processes share; None if nothing is kept on disk.
    """
    made = SharedExperiment(chaos, folder and folder / "chaos")
    task = asyncio.create_task(made.follow()) if chaos.enabled else None
    yield made
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
