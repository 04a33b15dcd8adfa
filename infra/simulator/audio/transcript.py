"""Generated transcripts: words that follow from the length of a recording, with their times; written as subtitles."""

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
    """A word, without spaces and punctuation; ``start`` and ``end`` in milliseconds. It ends where the next begins."""

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
        """The sentence with its full stop."""
        return " ".join(word.text for word in self.words) + "."

    @property
    def start(self) -> int:
        """Begin, in milliseconds."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """End, in milliseconds."""
        return self.words[-1].end


@dataclass(frozen=True, slots=True)
class Transcript:
    """A complete transcript.

    Args:
        milliseconds: length of the recording.
        segments: cover the recording from begin to end; empty if its length is 0.
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
    """Generate a transcript of one word per 400 ms, eight in a sentence; the words follow from length and model.

    Args:
        milliseconds: length of the recording, 0 or more.
        model: of the request.
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


def srt(spoken: Transcript) -> str:
    """Write SubRip: numbered segments, times with a comma."""
    return "".join(f"{segment.number + 1}\n{_cue(segment, ',')}" for segment in spoken.segments)


def vtt(spoken: Transcript) -> str:
    """Write WebVTT: a header line, times with a point."""
    return "WEBVTT\n\n" + "".join(_cue(segment, ".") for segment in spoken.segments)


def _cue(segment: Segment, point: str) -> str:
    return f"{_clock(segment.start, point)} --> {_clock(segment.end, point)}\n{segment.text}\n\n"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}"
