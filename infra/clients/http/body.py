"""Request bodies, split into pieces for writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

Block: TypeAlias = bytes | bytearray | memoryview
Body: TypeAlias = Block | Iterable[Block]
"""One block, or a repeatable iterable of blocks (it is sent again if a stale connection did not take all of it).

Blocks may be produced while the body is sent: each is requested once the server has accepted the previous one.
"""

PIECE = 256 * 1024  # bytes written at once


def pieces(body: Body) -> Iterator[Block]:
    """Split the body into pieces of at most 256 KiB, without a copy."""
    blocks = (body,) if isinstance(body, Block) else body
    for block in blocks:
        if len(block) <= PIECE:
            yield block
            continue
        view = memoryview(block)
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]
