"""Text made from a digest: the same digest, the same text."""

from __future__ import annotations

from domain.usage import CHARACTERS_PER_TOKEN

_WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "field", "grove", "harbor", "island", "jetty", "kettle", "lantern"),
    *("meadow", "needle", "orchard", "pebble", "quarry", "river", "saddle", "timber", "umber", "valley", "willow"),
    *("yarrow", "zephyr", "anchor", "bridge", "canyon", "drift", "engine", "furrow", "garden"),
)
_QUOTED = 40  # characters of the question that the answer repeats


def answer_text(digest: bytes, asked: str, tokens: int | None) -> str:
    """An answer that repeats the beginning of the question and goes on with words that mean nothing.

    Args:
        digest: 32 bytes that decide about the words, and about the length where none is given.
        asked: the question.
        tokens: exact length in tokens; ``None`` = between 20 and 60.
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
    """The text up to the first stop sequence."""
    found = [text.find(each) for each in ([stop] if isinstance(stop, str) else stop or ()) if each]
    return text[: min((position for position in found if position >= 0), default=len(text))]
