"""Pages of long lists by the place of their last row: no page numbers, and nothing is counted."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.controllers.admin_pages.page_request import PageError, PageRequest

R = TypeVar("R")
Place = tuple[str, str]
"""A value that a list is ordered by, and the id that makes the place unique."""
ROWS = 50
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class ListPage(Generic[R]):
    """A page of a list.

    Args:
        rows: on it.
        previous: cursor of the page before; None on the first one.
        next: cursor of the page after; None on the last one.
    """

    rows: Sequence[R]
    previous: str | None
    next: str | None


def slice_of(page: PageRequest, rows: Sequence[R], place: Callable[[R], Place], *, most: int = ROWS) -> ListPage[R]:
    """Return the page of a list that the reader asked for, by ``after`` or ``before`` of its address.

    Args:
        page: the request.
        rows: the whole list, in the order of ``place``.
        place: of a row.
        most: rows on a page.

    Raises:
        PageError: the cursor was not made here. One of another filter or order begins where it would stand.
    """
    if "after" in page.query:
        start = bisect_right(rows, _read(page, "after"), key=place)
    elif "before" in page.query:
        start = max(0, bisect_left(rows, _read(page, "before"), key=place) - most)
    else:
        start = 0
    shown = rows[start : start + most]
    return ListPage(
        shown,
        _cursor(place(shown[0])) if start > 0 and shown else None,
        _cursor(place(shown[-1])) if start + most < len(rows) else None,
    )


def _cursor(place: Place) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _read(page: PageRequest, name: str) -> Place:
    text = page.query[name]
    try:
        found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        value, row_id = found
    except (ValueError, TypeError):
        value = row_id = None
    if not isinstance(value, str) or not isinstance(row_id, str) or len(text) > _LONGEST:
        raise PageError(400, page.text("That cannot be done"), page.text("The cursor of this list is invalid."))
    return value, row_id
