"""The logs of a server process: stdout for requests, stderr for everything else, and a file for both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from infra.telemetry.access_log import AccessLog, AccessLogs
from infra.telemetry.log_file import LogFile
from infra.telemetry.log_writer import LogWriter
from infra.telemetry.logs import LogOutput, configure_logging
from llmproxy.settings import Settings, SettingsError
from llmproxy.telemetry_settings import LogFormat


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of this process.

    Args:
        access: receives the facts of each request; None if requests are not logged.
        flush: writes the lines of requests that were gathered.
        writers: of all lines.
    """

    access: Callable[[Mapping[str, object]], None] | None = None
    flush: Callable[[], None] = lambda: None
    writers: Sequence[LogWriter] = ()

    def close(self) -> None:
        """Write what waits."""
        self.flush()
        for writer in self.writers:
            writer.close()


def open_logs(settings: Settings) -> Logs:
    """Configure the logs of this process.

    Raises:
        SettingsError: the log file cannot be opened.
    """
    stdout, stderr = LogWriter(sys.stdout), LogWriter(sys.stderr)
    writers: list[LogWriter] = [stdout, stderr]
    requests = [LogOutput(stdout, as_text=_as_text(settings, sys.stdout))]
    others = [LogOutput(stderr, as_text=_as_text(settings, sys.stderr))]
    path = settings.llmproxy_log_file
    if path is not None:
        try:
            file = LogFile(path)
        except OSError as error:
            raise SettingsError(f"LLMPROXY_LOG_FILE cannot be opened: {error.strerror}") from None
        writers.append(file)
        requests.append(LogOutput(file))
        others.append(LogOutput(file))
    configure_logging(settings.llmproxy_log_level, others)
    if not settings.llmproxy_access_log:
        return Logs(writers=writers)
    logs = [AccessLog(output) for output in requests]
    access = logs[0] if len(logs) == 1 else AccessLogs(tuple(logs))
    return Logs(access, access.flush, writers)


def _as_text(settings: Settings, stream: TextIO) -> bool:
    chosen = settings.llmproxy_log_format
    return chosen is LogFormat.TEXT or (chosen is LogFormat.AUTO and stream.isatty())
