"""Counts of the other worker processes of one server, through small files that each of them writes now and then."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.telemetry.call_metrics import Counts
from infra.telemetry.prometheus import Readings


class WorkerFiles:
    """The files of one server's workers. A worker that has died keeps its counts: counters never go back.

    Args:
        folder: for these files alone, shared by the workers.
        server: process id of the parent of all workers.
        own: process id of this worker.
    """

    def __init__(self, folder: Path, server: int, own: int) -> None:
        self._folder = folder
        self._server = server
        self._path = folder / f"{server}-{own}.json"

    def clean(self) -> None:
        """Remove the files of servers that no longer run."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob("*-*.json"):
            server = path.name.partition("-")[0]
            if server != str(self._server) and not (server.isdigit() and _runs(int(server))):
                path.unlink(missing_ok=True)

    def write(self, counts: Mapping[str, Any], gauges: Readings) -> None:
        """Replace the file of this worker. If the disk is full, the others miss the latest counts, nothing else.

        Args:
            counts: as :meth:`Counts.dump` returned them.
            gauges: readings of this worker.
        """
        with suppress(OSError):
            temporary = self._path.with_suffix(".new")
            temporary.write_text(json.dumps({"counts": counts, "gauges": gauges}), encoding="utf-8")
            temporary.replace(self._path)

    def others(self) -> Iterator[tuple[Counts, Readings]]:
        """Yield what the other workers wrote; gauges only of those that still run."""
        for path in sorted(self._folder.glob(f"{self._server}-*.json")):
            if path == self._path:
                continue
            try:
                data = json.loads(path.read_text("utf-8"))
                alive = _runs(int(path.stem.partition("-")[2]))
                gauges = {
                    name: [(tuple(labels), value) for labels, value in rows] for name, rows in data["gauges"].items()
                }
                yield Counts.load(data["counts"]), gauges if alive else {}
            except (OSError, ValueError, KeyError, TypeError):
                continue


def collector(
    counts: Counts, gauges: Callable[[], Readings], files: WorkerFiles | None
) -> Callable[[], tuple[Counts, list[Readings]]]:
    """Return a function that adds up the counts of this process and of the other workers.

    Args:
        counts: of this process.
        gauges: reads those of this process.
        files: of the workers; None if this process is the only one.
    """

    def collect() -> tuple[Counts, list[Readings]]:
        total = Counts.empty()
        total.add(counts)
        readings = [gauges()]
        for other, reading in files.others() if files is not None else ():
            total.add(other)
            readings.append(reading)
        return total, readings

    return collect


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
