"""Well-formed log probabilities that mean nothing."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from infra.providers.simulator.tokens import pieces


def logprobs_of(text: str | None, top: int | None) -> dict[str, Any] | None:
    """The ``logprobs`` member for a text.

    Args:
        text: the text; ``None`` = there is none, the answer calls tools.
        top: how many alternatives each token has; ``None`` = nobody asked for log probabilities.
    """
    if top is None or text is None:
        return None
    return {"content": [_token(piece, top) for piece in pieces(text)], "refusal": None}


def _token(piece: str, top: int) -> dict[str, Any]:
    chance = -(crc32(piece.encode()) % 1000) / 1000
    best = _entry(piece, chance)
    others = [_entry(f"{piece[:2]}{rank}", chance - rank) for rank in range(1, top)]
    return {**best, "top_logprobs": [best, *others][:top]}


def _entry(piece: str, chance: float) -> dict[str, Any]:
    return {"token": piece, "logprob": chance, "bytes": list(piece.encode())}
