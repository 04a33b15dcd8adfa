"""Levels of single loggers, changed while the server runs, in every worker process of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from infra.telemetry.logs import OWN_LOGGERS

_INTERVAL = 1.0
"""Seconds between two looks at the file."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class LogLevels:
    """Levels that differ from the configured one until the server stops.

    Args:
        path: file that worker processes of one server share; None if this process is the only one.
        server: identifies the server: levels that another one left are not used.
    """

    def __init__(self, path: Path | None = None, server: int = 0) -> None:
        self._path = path
        self._server = server
        self._before: dict[str, int] = {}
        self._set: dict[str, str] = {}

    def changed(self) -> Mapping[str, str]:
        """Return the changed levels by logger."""
        return dict(self._set)

    def known(self) -> list[str]:
        """Return the names of the loggers that can be changed."""
        names = {name for name in logging.root.manager.loggerDict if name.startswith(OWN_LOGGERS)}
        return sorted(names | set(OWN_LOGGERS))

    def change(self, logger: str, level: str | None) -> None:
        """Set the level of a logger and those below it; None restores the configured one.

        Args:
            logger: one of :meth:`known`.
            level: one of :data:`LEVELS`.

        Raises:
            OSError: the other processes cannot be told.
        """
        levels = {name: each for name, each in self._set.items() if name != logger}
        if level is not None:
            levels[logger] = level
        self._apply(levels)
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self._path.with_suffix(".new")
            temporary.write_text(json.dumps({"server": self._server, "levels": levels}), encoding="utf-8")
            temporary.replace(self._path)

    async def follow(self) -> None:
        """Apply what other processes of this server change, again and again."""
        seen: tuple[int, int] | None = None
        while self._path is not None:
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                status = self._path.stat()
                if (status.st_mtime_ns, status.st_ino) != seen:
                    seen = (status.st_mtime_ns, status.st_ino)
                    data = json.loads(self._path.read_text("utf-8"))
                    if data["server"] == self._server:
                        self._apply({str(name): str(level) for name, level in data["levels"].items()})
            await asyncio.sleep(_INTERVAL)

    def _apply(self, levels: Mapping[str, str]) -> None:
        for name in self._set.keys() - levels.keys():
            logging.getLogger(name).setLevel(self._before.pop(name))
        for name, level in levels.items():
            logger = logging.getLogger(name)
            self._before.setdefault(name, logger.level)
            logger.setLevel(level)
        self._set = dict(levels)
