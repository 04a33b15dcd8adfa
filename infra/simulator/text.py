"""Generated text, the same for the same digest, and its log probabilities."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from domain.estimates import CHARACTERS_PER_TOKEN
from infra.simulator.tokens import pieces

_WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "field", "grove", "harbor", "island", "jetty", "kettle", "lantern"),
    *("meadow", "needle", "orchard", "pebble", "quarry", "river", "saddle", "timber", "umber", "valley", "willow"),
    *("yarrow", "zephyr", "anchor", "bridge", "canyon", "drift", "engine", "furrow", "garden"),
)
_QUOTED = 40  # characters of the question in the answer


def answer_text(digest: bytes, asked: str, tokens: int | None) -> str:
    """Generate an answer: it quotes the begin of the question and continues with meaningless words.

    Args:
        digest: 32 bytes that determine the words, and the length if none is given.
        asked: the question.
        tokens: exact length in tokens; None means between 20 and 60.
    """
    length = (20 + digest[0] % 41 if tokens is None else tokens) * CHARACTERS_PER_TOKEN
    if length == 0:
        return ""
    quoted = " ".join(asked[: 4 * _QUOTED].split())[:_QUOTED]
    opening = f'You asked: "{quoted}". ' if quoted else ""
    words = [_WORDS[byte % len(_WORDS)] for byte in digest]
    sentence = " ".join(words).capitalize() + ". "
    text = opening + sentence * (length // len(sentence) + 1)
    return text[: length - 1].rstrip().ljust(length - 1, ".") + "."


def stopped(text: str, stop: str | list[str] | None) -> str:
    """Cut a text at the first stop sequence."""
    found = [text.find(each) for each in ([stop] if isinstance(stop, str) else stop or ()) if each]
    return text[: min((position for position in found if position >= 0), default=len(text))]


def logprobs_of(text: str | None, top: int | None) -> dict[str, Any] | None:
    """Make the ``logprobs`` member for a text: well-formed but without meaning.

    Args:
        text: the text; None if the answer calls tools.
        top: number of alternatives per token; None if log probabilities were not requested.
    """
    if top is None or text is None:
        return None
    return {"content": [_token(piece, top) for piece in pieces(text)], "refusal": None}


def legacy_logprobs_of(text: str, top: int | None, offset: int) -> dict[str, Any] | None:
    """Make the ``logprobs`` member of a legacy completion.

    Args:
        text: the text.
        top: number of alternatives per token; None if log probabilities were not requested.
        offset: of the text in the complete answer.
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
