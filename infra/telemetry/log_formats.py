"""Forms of a log line: JSON for machines, text for terminals. Credentials are masked in both."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
_SECRETS = re.compile(
    r"(sk-[A-Za-z0-9_-]{4})[A-Za-z0-9_-]{6,}"  # keys of ours and of OpenAI's kind
    r"|((?:bearer|api[-_]?key|authorization)[\"']?\s*[:=]?\s*[\"']?)(?!bearer)[A-Za-z0-9_\-./+=]{12,}",
    re.IGNORECASE,
)
_HEAD = ("timestamp", "level", "logger", "message")
_LEFT_OUT = ("method", "path", "status_code")
"""Fields of access lines that the message repeats."""


def mask(text: str) -> str:
    """Mask what looks like a credential."""
    return _SECRETS.sub(lambda match: f"{match.group(1) or match.group(2) or ''}***", text)


def entry_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields of a record; everything passed as ``extra`` is one."""
    entry: dict[str, object] = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    entry |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if record.exc_info and record.exc_info[0] is not None:
        # The message and the locals of an exception may quote a request: its type and place are enough.
        entry["exception"] = record.exc_info[0].__qualname__
    return entry


def text_line(entry: Mapping[str, object]) -> str:
    """Return an entry as a line for people: time, level, message, logger, then the fields that have a value."""
    time = str(entry["timestamp"])[11:23]
    left_out = _HEAD if "method" not in entry else (*_HEAD, *_LEFT_OUT)
    fields = " ".join(
        f"{name}={_value(value)}" for name, value in entry.items() if value is not None and name not in left_out
    )
    head = f"{time} {str(entry['level']).upper():<7} {_plain(str(entry['message']))}  [{entry['logger']}]"
    return f"{head} {fields}".rstrip()


class JsonFormatter(logging.Formatter):
    """Formatter of records as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line."""
        return mask(json.dumps(entry_of(record), default=str, ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """Formatter of records as one line for terminals."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line."""
        return mask(text_line(entry_of(record)))


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return _plain(json.dumps(text, ensure_ascii=False) if " " in text and isinstance(value, str) else text)


def _plain(text: str) -> str:
    """Escape control characters: a caller's text must not control a terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
