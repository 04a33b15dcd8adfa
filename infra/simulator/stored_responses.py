"""Responses that the simulator keeps in memory, for later requests to go on with or to fetch."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from domain.usage import Usage

MOST_KEPT = 2_000


@dataclass(slots=True)
class StoredResponse:
    """One of them.

    Args:
        body: the response object, complete.
        items: its own input, as ``/input_items`` lists it.
        history: input and output of the whole conversation up to and with it.
        usage: what it used.
        background: it was ordered to be made in the background.
        fetched: it was seen complete, and counted.
        cancelled: it never completes.
    """

    body: dict[str, Any]
    items: list[dict[str, Any]]
    history: list[dict[str, Any]]
    usage: Usage
    background: bool = False
    fetched: bool = False
    cancelled: bool = False


@dataclass(slots=True)
class KeptResponses:
    """All of them by id; the oldest ones are forgotten when there are too many.

    Args:
        most: so many are kept.
    """

    most: int = MOST_KEPT
    _by_id: OrderedDict[str, StoredResponse] = field(default_factory=OrderedDict)

    def new_id(self) -> str:
        """An id for a response: the one thing that no two answers of any process share."""
        return f"resp_{secrets.token_hex(24)}"

    def keep(self, response_id: str, kept: StoredResponse) -> None:
        """Keep a response."""
        self._by_id[response_id] = kept
        while len(self._by_id) > self.most:
            self._by_id.popitem(last=False)

    def find(self, response_id: str) -> StoredResponse | None:
        """The response of this id; ``None`` = there is none."""
        return self._by_id.get(response_id)

    def delete(self, response_id: str) -> bool:
        """Forget a response; ``False`` = there was none."""
        return self._by_id.pop(response_id, None) is not None

    def clear(self) -> None:
        """Forget all."""
        self._by_id.clear()
