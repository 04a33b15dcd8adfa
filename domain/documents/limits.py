"""Ceilings of a document: ``{"rpm": 600, "tpm": 100000, "concurrency": 50}``."""

from __future__ import annotations

from domain.documents.reader import Reader
from domain.rate_limit import Limits

_KNOWN = ("rpm", "tpm", "concurrency")
_MOST = 10**12


def read_limits(owner: Reader) -> Limits:
    """The ceilings that are given; no ceiling where none is."""
    reader = owner.table("limits")
    reader.unknown(_KNOWN)
    return Limits(**{name: reader.whole(name, least=1, most=_MOST) for name in _KNOWN})
