"""Configuration of the logs of this process: outputs and levels."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from infra.telemetry.log_formats import JsonFormatter, TextFormatter

OWN_LOGGERS = ("llmproxy", "infra", "application", "uvicorn")
"""Loggers that follow the configured level. Libraries stay at WARNING: below it, some log prompts and headers."""


class LogStream(Protocol):
    """The part of a text stream that logs use."""

    def write(self, text: str, /) -> object:
        """Write a text."""

    def flush(self) -> None:
        """Write what is buffered."""


class LogOutput:
    """A stream of log lines, and their form.

    Args:
        stream: receives the lines.
        as_text: lines for terminals, in place of JSON.
    """

    def __init__(self, stream: LogStream, *, as_text: bool = False) -> None:
        self.stream = stream
        self.as_text = as_text


def configure_logging(level: str, outputs: Iterable[LogOutput]) -> None:
    """Send all logs of this process to these outputs."""
    logging.getLogger().handlers[:] = [_handler(output) for output in outputs]
    set_level(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = name != "uvicorn.access"  # its lines would be made for every request; we write our own


def set_level(level: str) -> None:
    """Set the level of all logs; those of other packages never go below warnings."""
    logging.getLogger().setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(level)


def _handler(output: LogOutput) -> logging.Handler:
    handler = logging.StreamHandler(output.stream)
    handler.setFormatter(TextFormatter() if output.as_text else JsonFormatter())
    return handler
