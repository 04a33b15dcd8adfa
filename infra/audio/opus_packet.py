"""How long a packet of Opus plays (RFC 6716, section 3.1)."""

from __future__ import annotations

_SPEECH_MS = (10.0, 20.0, 40.0, 60.0)
_HYBRID_MS = (10.0, 20.0)
_MUSIC_MS = (2.5, 5.0, 10.0, 20.0)
_HYBRID, _MUSIC = 12, 16  # first configurations of these kinds
_ANY_NUMBER = 3


def packet_ms(begin: bytes) -> float:
    """Milliseconds of a packet by its first two bytes."""
    if not begin:
        return 0.0
    configuration, code = begin[0] >> 3, begin[0] & 3
    if configuration < _HYBRID:
        frame = _SPEECH_MS[configuration % 4]
    elif configuration < _MUSIC:
        frame = _HYBRID_MS[configuration % 2]
    else:
        frame = _MUSIC_MS[configuration % 4]
    if code == _ANY_NUMBER:
        return frame * (begin[1] & 0x3F if len(begin) > 1 else 0)
    return frame * (2 if code else 1)
