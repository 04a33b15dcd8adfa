"""Author of a change, for the history."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from domain.documents.values import unfit_text

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST = 200


def author_option(command: F) -> F:
    """Add ``--author``, passed on as ``author``."""
    return click.option(
        "--author",
        metavar="TEXT",
        default=this_user,
        callback=_checked,
        help="Who makes the change, for the history; otherwise user@host.",
    )(command)


def this_user() -> str:
    """Return ``user@host`` of this process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user id without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:_LONGEST]


def now_ms() -> int:
    """Return milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def _checked(context: click.Context, parameter: click.Parameter, author: str) -> str:
    del context, parameter
    text = author.strip()
    if not text or len(text) > _LONGEST or unfit_text(text):
        raise click.BadParameter(f"expected 1 to {_LONGEST} characters of plain text")
    return text
