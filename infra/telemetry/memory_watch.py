"""Watch over the memory of this process: facts for operators, a warning beyond a limit, and release of what can be."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger("llmproxy.memory")

_INTERVAL = 5.0
_PAUSE = 60.0
"""Seconds between two releases, while the limit stays passed."""
_BACK = 0.95
"""Share of the limit below which memory counts as normal again."""
_CONTAINER_SHARE = 0.9
_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_UNLIMITED = 1 << 60
_STATUS = Path("/proc/self/status")
_MOST_TYPES = 25


class MemoryWatch:
    """Memory of this process.

    Args:
        limit: bytes that it should not pass; None if there is no limit.
        releases: free what is kept only for speed, by name.
    """

    def __init__(self, limit: int | None, releases: Mapping[str, Callable[[], object]]) -> None:
        self._limit = limit
        self._releases = releases
        self._passed = False

    def facts(self) -> dict[str, object]:
        """Return what the process uses, in bytes, and what is wrong with it."""
        problems = ["the process uses more memory than its limit"] if self._passed else []
        return {**_resident(), "limit_bytes": self._limit, "problems": problems}

    def detail(self, *, types: bool) -> dict[str, object]:
        """Return the facts, and the state of garbage collection.

        Args:
            types: count objects by type as well, which stops the process for a moment.
        """
        found: dict[str, object] = {"process": os.getpid(), **self.facts(), "garbage_collections": gc.get_stats()}
        found |= {"waiting_objects": list(gc.get_count()), "frozen_objects": gc.get_freeze_count()}
        if types:
            counted = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
            found["types"] = dict(counted.most_common(_MOST_TYPES))
        return found

    def collect(self) -> dict[str, object]:
        """Release what is kept only for speed, and collect garbage; return the bytes before and after."""
        before = _resident()["resident_bytes"]
        for release in self._releases.values():
            release()
        found = gc.collect()
        _trim()
        after = _resident()["resident_bytes"]
        return {
            "process": os.getpid(),
            "released": list(self._releases),
            "unreachable_objects": found,
            "before_bytes": before,
            "after_bytes": after,
        }

    async def run(self) -> None:
        """Compare memory with the limit again and again; beyond it warn, and release."""
        while self._limit is not None:
            resident = _resident()["resident_bytes"] or 0
            if resident > self._limit:
                if not self._passed:
                    used = {"resident_bytes": resident, "limit_bytes": self._limit}
                    logger.warning("memory passes its limit: caches are released", extra=used)
                self._passed = True
                self.collect()
                await asyncio.sleep(_PAUSE)
            elif self._passed and resident < self._limit * _BACK:
                self._passed = False
                logger.info("memory is below its limit again", extra={"resident_bytes": resident})
            await asyncio.sleep(_INTERVAL)


def container_limit(paths: Sequence[Path] = _CONTAINER_LIMITS) -> int | None:
    """Return nine tenths of the memory that the container may use; None if it is unlimited or unknown."""
    for path in paths:
        with suppress(OSError, ValueError):
            limit = int(path.read_text())
            if limit < _UNLIMITED:
                return int(limit * _CONTAINER_SHARE)
    return None


def _resident() -> dict[str, int | None]:
    """Return the memory in use now and at most so far; None where the system does not say."""
    found: dict[str, int | None] = {"resident_bytes": None, "peak_bytes": None}
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name in {"VmRSS", "VmHWM"}:
                found["resident_bytes" if name == "VmRSS" else "peak_bytes"] = int(value.split()[0]) * 1024
    return found


def _trim() -> None:
    """Return free memory to the system; the C library keeps it otherwise."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)
