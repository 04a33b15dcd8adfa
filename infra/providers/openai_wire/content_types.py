"""What upstreams say that their answers are made of, as far as it can be passed on."""

from __future__ import annotations

import re

_TYPE = re.compile(rb"[\w.+-]{1,60}/[\w.+-]{1,60}(?:\s*;\s*[\w-]{1,40}=[\w.+:-]{1,60}){0,4}")
_BINARY = b"application/octet-stream"
_PLAIN = b"text/plain; charset=utf-8"
_PROSE = (b"text/", b"application/x-subrip", b"application/srt")

JSON = b"application/json"


def audio_type(said: bytes) -> bytes:
    """The media type for audio: what the upstream said if it is one, else that of any bytes."""
    said = said.strip()
    return said if said.lower().startswith(b"audio/") and _TYPE.fullmatch(said) else _BINARY


def prose_type(said: bytes) -> bytes:
    """The media type for a transcript that is no JSON: what the upstream said if it is text, else plain text."""
    said = said.strip()
    return said if is_prose_type(said) and _TYPE.fullmatch(said) else _PLAIN


def is_prose_type(said: bytes) -> bool:
    """Whether it is said to be text, subtitles included."""
    return said.strip().lower().startswith(_PROSE)


def is_events(said: bytes) -> bool:
    """Whether it is said to be a stream of events."""
    return said.strip().lower().startswith(b"text/event-stream")


def is_json(said: bytes) -> bool:
    """Whether it is said to be JSON."""
    return b"json" in said.lower()


def is_page(said: bytes) -> bool:
    """Whether it is a page for a browser: an error of whatever stands before the upstream."""
    return said.strip().lower().startswith((b"text/html", b"application/xhtml"))
