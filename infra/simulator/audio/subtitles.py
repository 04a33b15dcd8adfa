"""A transcript as subtitles."""

from __future__ import annotations

from infra.simulator.audio.transcript import Transcript


def srt(heard: Transcript) -> str:
    """SubRip: numbered, times with a comma."""
    return "".join(
        f"{segment.number + 1}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{segment.text}\n\n"
        for segment in heard.segments
    )


def vtt(heard: Transcript) -> str:
    """WebVTT: a title line, times with a point."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{segment.text}\n\n" for segment in heard.segments
    )


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}"
