"""What `doctor` and `explain` say: one thing that was looked at, and whether it is in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        verdict: whether it is in order.
        subject: what was looked at: ``settings``, ``store``, ``model gpt-4-azure``.
        text: one line, without a secret.
    """

    verdict: Verdict
    subject: str
    text: str
