"""Silence in MP3 and AAC."""

from __future__ import annotations

_MP3_FRAME = bytes.fromhex("fff344c0") + bytes(92)
"""24 ms: MPEG 2 layer III, 32 kbit/s, 24 kHz, mono. All-zero side information is a frame without any sound."""

_AAC_FRAME = bytes.fromhex("fff1544001 7ffc 00000007".replace(" ", ""))
"""32 ms in ADTS: AAC LC, 32 kHz, one channel element without any band, and the end."""

MP3_PIECE = _MP3_FRAME * 4
"""96 ms."""

AAC_PIECE = _AAC_FRAME * 3
"""96 ms."""
