"""Wiring of load tests: their states, which the worker processes of a server share through small files."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from application.serving.ledger import Clock
from application.serving.serve import Serving
from application.use_cases.load_tests import LoadTests

_ID = re.compile(r"lt-[0-9a-f]{12}")
_KEPT = 50
"""States of earlier tests that are kept."""


class SharedStates:
    """States of tests, in a folder or in memory.

    Args:
        folder: for these files alone; None to keep them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._states: dict[str, dict[str, Any]] = {}
        self._stopped: set[str] = set()

    def keep(self, state: dict[str, Any]) -> None:
        """Replace the state of a test. If the disk is full, other processes miss it, nothing else."""
        self._states[state["test_id"]] = state
        if self._folder is None:
            return
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path = self._folder / f"{state['test_id']}.json"
            if not path.exists():
                self._remove_old(self._folder)
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(state), encoding="utf-8")
            temporary.replace(path)

    def find(self, test_id: str) -> dict[str, Any] | None:
        """Return the latest state of a test; None if it is unknown."""
        if self._folder is not None and _ID.fullmatch(test_id):
            with suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads((self._folder / f"{test_id}.json").read_text("utf-8"))
                return found
        return self._states.get(test_id)

    def latest(self, most: int) -> list[dict[str, Any]]:
        """Return the states of the latest tests, the newest first."""
        known = list(self._states)
        if self._folder is not None:
            with suppress(OSError):  # a file may be removed meanwhile
                known = [path.stem for path in _by_age(self._folder.glob("lt-*.json"))]
        found = [state for test_id in known[-most:] if (state := self.find(test_id)) is not None]
        return sorted(found, key=lambda state: str(state["started_at"]), reverse=True)

    def request_stop(self, test_id: str) -> None:
        """Ask the process that runs a test to stop it."""
        self._stopped.add(test_id)
        if self._folder is not None and _ID.fullmatch(test_id):
            with suppress(OSError):
                (self._folder / f"{test_id}.stop").touch()

    def stop_requested(self, test_id: str) -> bool:
        """Return whether somebody asked for that."""
        return test_id in self._stopped or (self._folder is not None and (self._folder / f"{test_id}.stop").exists())

    @staticmethod
    def _remove_old(folder: Path) -> None:
        for path in _by_age(folder.glob("lt-*"))[:-_KEPT]:
            path.unlink(missing_ok=True)


def _by_age(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda path: path.stat().st_mtime)


@asynccontextmanager
async def load_tests(serving: Serving, clock: Clock, folder: Path | None) -> AsyncIterator[LoadTests]:
    """Yield the load tests of this process, and stop them when the block ends.

    Args:
        serving: serves the calls.
        clock: time.
        folder: ``DATA_DIR``, which worker processes share; None if nothing is kept on disk.
    """
    made = LoadTests(serving, clock, SharedStates(folder and folder / "load-tests"), _new_id)
    yield made
    await made.close()


def _new_id() -> str:
    return f"lt-{random.getrandbits(48):012x}"
