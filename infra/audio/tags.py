"""ID3 tags, which stand in front of what they describe."""

from __future__ import annotations

from infra.audio.window import Window

_HEAD = 10
_TAGS = 10  # how many are skipped
_FOOTER = 0x10


def behind_tags(window: Window) -> Window:
    """What follows the tags at the begin."""
    place = window.start
    for _ in range(_TAGS):
        head = window.at(place, _HEAD)
        if len(head) < _HEAD or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        place += _HEAD + size + (_HEAD if head[5] & _FOOTER else 0)
    return window.within(place, window.end)
