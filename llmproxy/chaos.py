"""Wiring of injected faults: settings, and the file through which workers of a server share experiments."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from application.serving.chaos import Chaos
from domain.errors import InvalidRequestError
from llmproxy.server_settings import ChaosMode
from llmproxy.settings import Settings

_INTERVAL = 0.5
"""Seconds between two looks at the file."""


class SharedExperiment:
    """The experiment of a server, in a file that its worker processes read.

    Args:
        chaos: of this process.
        path: of the file; None if this process is the only one.
    """

    def __init__(self, chaos: Chaos, path: Path | None) -> None:
        self._chaos = chaos
        self._path = path
        parent = multiprocessing.parent_process()
        self._server = os.getpid() if parent is None or parent.pid is None else parent.pid
        self._seen: dict[str, Any] | None = None

    def write(self, body: dict[str, Any] | None) -> None:
        """Pass an experiment that this process has started, or its end, to the others.

        Raises:
            OSError: it failed.
        """
        if self._path is None:
            return
        experiment = self._chaos.experiment
        started = 0.0 if experiment is None else experiment.started
        self._seen = {"server": self._server, "started": started, "body": body}
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(self._seen), encoding="utf-8")
        temporary.replace(self._path)

    async def follow(self) -> None:
        """Start and stop what other processes start and stop, again and again."""
        while self._path is not None:
            with suppress(OSError, ValueError, KeyError, TypeError, InvalidRequestError):
                state = json.loads(self._path.read_text("utf-8"))
                if state != self._seen and state["server"] == self._server:
                    self._seen = state
                    self._chaos.stop()
                    if state["body"] is not None:
                        self._chaos.start(state["body"], float(state["started"]))
            await asyncio.sleep(_INTERVAL)


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
    made = SharedExperiment(chaos, folder and folder / "chaos.json")
    task = asyncio.create_task(made.follow()) if chaos.enabled else None
    yield made
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
