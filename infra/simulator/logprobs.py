"""Well-formed log probabilities that mean nothing."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from infra.simulator.tokens import pieces


def logprobs_of(text: str | None, top: int | None) -> dict[str, Any] | None:
    """The ``logprobs`` member for a text.

    Args:
        text: the text; ``None`` = there is none, the answer calls tools.
        top: how many alternatives each token has; ``None`` = nobody asked for log probabilities.
    """
    if top is None or text is None:
        return None
    return {"content": [_token(piece, top) for piece in pieces(text)], "refusal": None}


def legacy_logprobs_of(text: str, top: int | None, offset: int) -> dict[str, Any] | None:
    """The ``logprobs`` member of a legacy completion.

    Args:
        text: the text.
        top: how many alternatives each token has; ``None`` = nobody asked for log probabilities.
        offset: where the text begins in the whole answer.
    """
    if top is None:
        return None
    tokens = [_token(piece, max(top, 1)) for piece in pieces(text)]
    starts = [offset]
    for each in tokens:
        starts.append(starts[-1] + len(each["token"]))
    return {
        "tokens": [each["token"] for each in tokens],
        "token_logprobs": [each["logprob"] for each in tokens],
        "top_logprobs": [{other["token"]: other["logprob"] for other in each["top_logprobs"][:top]} for each in tokens],
        "text_offset": starts[:-1],
    }


def _token(piece: str, top: int) -> dict[str, Any]:
    chance = -(crc32(piece.encode()) % 1000) / 1000
    best = _entry(piece, chance)
    others = [_entry(f"{piece[:2]}{rank}", round(chance - rank, 3)) for rank in range(1, top)]
    return {**best, "top_logprobs": [best, *others][:top]}


def _entry(piece: str, chance: float) -> dict[str, Any]:
    return {"token": piece, "logprob": chance, "bytes": list(piece.encode())}
