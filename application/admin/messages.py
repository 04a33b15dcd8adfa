"""Results of admin use cases for operators: errors, checks, lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class CommandError(Exception):
    """The command cannot be carried out. The message is one line for the operator, without a secret."""


class UnknownObjectError(CommandError):
    """The object that the command names does not exist."""


class DuplicateObjectError(CommandError):
    """The object that the command is to create exists already."""


class Verdict(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Args:
        verdict: the result.
        subject: what was checked: ``settings``, ``store``, ``model gpt-4-azure``.
        text: one line, without a secret.
    """

    verdict: Verdict
    subject: str
    text: str


def few(texts: Sequence[str], most: int) -> str:
    """Join the first ``most`` texts and say how many more there are: ``a, b and 3 more``."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
