"""Long lists in one line."""

from __future__ import annotations

from collections.abc import Sequence


def few(texts: Sequence[str], most: int) -> str:
    """The first of them, at most so many, and how many more there are: ``a, b and 3 more``."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
