"""Request bodies, in pieces of a size that is good to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

Block: TypeAlias = bytes | bytearray | memoryview
Body: TypeAlias = Block | Sequence[Block]
"""One block, or blocks in a sequence that can be walked twice (a stale connection makes us send it again)."""

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
