"""What the simulator hears in a recording: words that follow from its length, and when each of them is said."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

_WORD_MS = 400
_SEGMENT_WORDS = 8
_WORDS = (
    *("after", "along", "before", "brook", "candle", "carry", "cloud", "corner", "early", "every", "follow", "forest"),
    *("gather", "gentle", "hollow", "inside", "ladder", "listen", "little", "middle", "morning", "never", "often"),
    *("paper", "people", "quiet", "silver", "stone", "summer", "under", "water", "winter"),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word.

    Args:
        text: without the spaces around it and the stop behind it.
        start: when it begins, in milliseconds from the recording's begin.
        end: when it ends, which is when the next begins.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence.

    Args:
        number: of the segment, from 0.
        words: at least one.
    """

    number: int
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The sentence with the stop at its end."""
        return " ".join(word.text for word in self.words) + "."

    @property
    def start(self) -> int:
        """When it begins, in milliseconds."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """When it ends, in milliseconds."""
        return self.words[-1].end


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that was heard.

    Args:
        milliseconds: length of the recording.
        segments: fill it from its begin to its end; none where it has no length.
    """

    milliseconds: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words."""
        return tuple(word for segment in self.segments for word in segment.words)


def transcript(milliseconds: int, model: str = "") -> Transcript:
    """The same length and model, the same words: one for each 400 ms, eight in a sentence.

    Args:
        milliseconds: length of the recording, 0 or more.
        model: who listens; decides about the words.
    """
    count = max(1, milliseconds // _WORD_MS) if milliseconds > 0 else 0
    first = crc32(f"{model}/{milliseconds}".encode("utf-8", "replace"))
    words = [
        Word(_text(first, number), milliseconds * number // count, milliseconds * (number + 1) // count)
        for number in range(count)
    ]
    starts = range(0, count, _SEGMENT_WORDS)
    return Transcript(
        milliseconds,
        tuple(Segment(number, tuple(words[at : at + _SEGMENT_WORDS])) for number, at in enumerate(starts)),
    )


def _text(first: int, number: int) -> str:
    word = _WORDS[(first + number * (1 + first % 7 * 2)) % len(_WORDS)]
    return word.capitalize() if number % _SEGMENT_WORDS == 0 else word
