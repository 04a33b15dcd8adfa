"""Addresses of pictures that say themselves what they show, so that nothing has to be kept."""

from __future__ import annotations

import base64
import re

from infra.simulator.picture import FORMATS, Picture, draw

PREFIX = "/simulator/images/"
LARGEST = 4096
"""Pixels on each side."""

_NAME = re.compile(rf"([0-9a-f]{{8}})-(\d{{1,4}})x(\d{{1,4}})(-t)?\.({'|'.join(FORMATS)})")


def url_of(picture: Picture, address: str) -> str:
    """Where a picture can be fetched.

    Args:
        picture: the picture.
        address: of the server; empty = there is none, the address holds the picture itself.
    """
    if not address:
        content = base64.b64encode(draw(picture)).decode()
        return f"data:{picture.content_type.decode()};base64,{content}"
    mark = "-t" if picture.transparent else ""
    return f"{address}{PREFIX}{picture.seed}-{picture.width}x{picture.height}{mark}.{picture.format}"


def picture_at(path: str) -> Picture | None:
    """The picture that a path means; ``None`` = it means none."""
    found = _NAME.fullmatch(path.removeprefix(PREFIX))
    if found is None:
        return None
    width, height = int(found[2]), int(found[3])
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        return None
    return Picture(width, height, found[1], found[5], transparent=found[4] is not None)
