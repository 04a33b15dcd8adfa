"""Request bodies, in pieces of a size that is good to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

Block: TypeAlias = bytes | bytearray | memoryview
Body: TypeAlias = Block | Iterable[Block]
"""One block, or blocks in anything that can be walked twice (a stale connection makes us send it again).

They may be made or read while they are sent: each is asked for when the server has taken the one before it.
"""

PIECE = 256 * 1024  # bytes written at once


def pieces(body: Body) -> Iterator[Block]:
    """The body in pieces of at most 256 KiB, without a copy."""
    blocks = (body,) if isinstance(body, Block) else body
    for block in blocks:
        if len(block) <= PIECE:
            yield block
            continue
        view = memoryview(block)
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]
