"""Author of a change, for the history."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from application.admin.audit_trail import AuditTrail
from application.ports.audit_log import AuditLog
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


def trail_of(log: AuditLog) -> AuditTrail:
    """Return the audit trail of the command that runs now."""
    context = click.get_current_context(silent=True)
    author = context.params.get("author") if context is not None else None
    action = context.command_path.partition(" ")[2] if context is not None else ""
    return AuditTrail(log, author or this_user(), f"cli {socket.gethostname()}", action, now_ms)


def now_ms() -> int:
    """Return milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def _checked(context: click.Context, parameter: click.Parameter, author: str) -> str:
    del context, parameter
    text = author.strip()
    if not text or len(text) > _LONGEST or unfit_text(text):
        raise click.BadParameter(f"expected 1 to {_LONGEST} characters of plain text")
    return text
