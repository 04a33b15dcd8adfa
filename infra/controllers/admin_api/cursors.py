"""Parts of long lists: a cursor is the last id that was shown, and belongs to the filter of its list."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

from domain.errors import InvalidRequestError

R = TypeVar("R")

_LONGEST = 4000


def part_of(
    rows: Sequence[R],
    id_of: Callable[[R], str],
    selection: Mapping[str, object],
    cursor: str | None,
    limit: int,
) -> tuple[Sequence[R], str | None]:
    """Return a part of a list, and the cursor of the next; None if it is the last.

    Args:
        rows: those that the filter selects, ordered by id.
        id_of: returns the id of a row.
        selection: the filter.
        cursor: of the part before; None for the first.
        limit: rows at most.

    Raises:
        InvalidRequestError: the cursor is invalid, or belongs to another filter.
    """
    mark = sha256(json.dumps(selection, sort_keys=True).encode()).hexdigest()[:16]
    start = 0 if cursor is None else bisect_right(rows, _read(cursor, mark), key=id_of)
    shown = rows[start : start + limit]
    further = start + limit < len(rows)
    return shown, _write(mark, id_of(shown[-1])) if further and shown else None


def _write(mark: str, last: str) -> str:
    return urlsafe_b64encode(json.dumps([mark, last]).encode()).decode().rstrip("=")


def _read(cursor: str, mark: str) -> str:
    try:
        found = json.loads(urlsafe_b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4)))
        belongs, last = found
    except (ValueError, TypeError):
        belongs = last = None
    if not isinstance(belongs, str) or not isinstance(last, str):
        raise InvalidRequestError("The cursor is invalid; start again without one.", param="cursor")
    if belongs != mark:
        raise InvalidRequestError(
            "The cursor belongs to a list with another filter; start again without one.", param="cursor"
        )
    return last
