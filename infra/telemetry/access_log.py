"""The access log: one line for each request, written in batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from infra.telemetry.log_formats import mask, text_line
from infra.telemetry.logs import LogOutput

_FLUSH_AFTER = 0.2
"""Maximum delay of a line in seconds."""


class AccessLog:
    """Access log.

    Args:
        output: receives the lines.
    """

    def __init__(self, output: LogOutput) -> None:
        self._stream = output.stream
        self._encode: Callable[[dict[str, object]], bytes] = (
            _encode_text if output.as_text else msgspec.json.Encoder().encode
        )
        self._lines: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._second = 0
        self._prefix = ""

    def __call__(self, facts: Mapping[str, object]) -> None:
        """Log a finished request."""
        if not self._lines:
            loop = self._loop or asyncio.get_running_loop()
            self._loop = loop
            loop.call_later(_FLUSH_AFTER, self.flush)
        line = {"timestamp": self._stamp(), "level": "info", "logger": "llmproxy.access", **facts}
        self._lines.append(self._encode(line))

    def _stamp(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:  # formatted once per second, not per request
            self._second = second
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._prefix}.{int((now - second) * 1000):03}+00:00"

    def flush(self) -> None:
        """Write the gathered lines. A broken stream loses lines, never requests."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            text = b"\n".join(lines).decode("utf-8", "replace")
            # The facts contain no credentials, but a caller may have put a key in place of the model's name.
            self._stream.write((mask(text) if "sk-" in text else text) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return


class AccessLogs:
    """The access log in several forms.

    Args:
        logs: each of them.
    """

    def __init__(self, logs: tuple[AccessLog, ...]) -> None:
        self._logs = logs

    def __call__(self, facts: Mapping[str, object]) -> None:
        """Log a finished request."""
        for log in self._logs:
            log(facts)

    def flush(self) -> None:
        """Write the gathered lines."""
        for log in self._logs:
            log.flush()


def _encode_text(line: dict[str, object]) -> bytes:
    return text_line(line).encode("utf-8", "replace")
