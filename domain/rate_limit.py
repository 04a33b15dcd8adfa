"""Ceilings on how much may pass: requests and tokens a minute, calls at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of a project or of one deployment; ``None`` = no ceiling.

    Args:
        rpm: requests a minute.
        tpm: tokens a minute.
        concurrency: calls at the same time.
    """

    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
