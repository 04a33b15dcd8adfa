"""Structured logs: one JSON object per line, secrets masked, access log written in batches."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

import msgspec

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
_SECRETS = re.compile(
    r"(sk-[A-Za-z0-9_-]{4})[A-Za-z0-9_-]{6,}"  # keys of ours and of OpenAI's kind
    r"|((?:bearer|api[-_]?key|authorization)[\"']?\s*[:=]?\s*[\"']?)(?!bearer)[A-Za-z0-9_\-./+=]{12,}",
    re.IGNORECASE,
)
_FLUSH_AFTER = 0.2
"""Maximum delay of an access line in seconds."""


class LogStream(Protocol):
    """The part of a text stream that logs use."""

    def write(self, text: str, /) -> object:
        """Write a text."""

    def flush(self) -> None:
        """Write what is buffered."""


def mask(text: str) -> str:
    """Mask what looks like a credential."""
    return _SECRETS.sub(lambda match: f"{match.group(1) or match.group(2) or ''}***", text)


class JsonFormatter(logging.Formatter):
    """Formatter of records as one line of JSON; everything passed as ``extra`` becomes a member."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            # The message and the locals of an exception may quote a request: its type and place are enough.
            entry["exception"] = record.exc_info[0].__qualname__
        return mask(json.dumps(entry, default=str, ensure_ascii=False))


def configure_logging(level: str, stream: LogStream) -> None:
    """Send all logs of this process to one stream as JSON lines."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = name != "uvicorn.access"  # its lines would be made for every request; we write our own
    for name in ("httpx", "httpcore", "LiteLLM"):
        logging.getLogger(name).setLevel(logging.WARNING)


class AccessLog:
    """Access log: one JSON line per request, written in batches.

    Args:
        stream: receives the lines.
    """

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream
        self._encode = msgspec.json.Encoder().encode
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
        line = {"time": self._stamp(), "level": "info", "logger": "llmproxy.access", **facts}
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
