"""State of the process for the health page: file descriptors and logs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.telemetry.log_writer import LogWriter

_DESCRIPTORS = Path("/proc/self/fd")
_NEARLY_ALL = 0.9


def descriptor_limit() -> int | None:
    """Return the number of files and connections that this process may have open; None if unlimited or unknown."""
    if os.name != "posix":
        return None
    import resource  # noqa: PLC0415 - does not exist on Windows

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def process_facts(writers: Iterable[LogWriter]) -> Mapping[str, object]:
    """Collect the facts, and what is wrong with them."""
    writers = list(writers)
    limit, opened = descriptor_limit(), _descriptors_open()
    dropped = sum(writer.dropped for writer in writers)
    problems = []
    if limit is not None and (opened is None or opened > limit * _NEARLY_ALL):
        problems.append("nearly all file descriptors are in use: raise the limit (ulimit -n)")
    if any(writer.stuck for writer in writers):
        problems.append("logs are not read: lines are dropped")
    return {
        "descriptors_open": opened,
        "descriptors_limit": limit,
        "log_lines_dropped": dropped,
        "problems": problems,
    }


def _descriptors_open() -> int | None:
    """Count the open descriptors; None where that is not known, or needs one and there is none left."""
    try:
        return len(list(_DESCRIPTORS.iterdir()))
    except OSError:
        return None if _DESCRIPTORS.exists() else 0
