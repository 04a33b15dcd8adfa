"""Stored responses, in memory: continued by later requests, fetched, deleted, cancelled, their input listed."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from application.ports.providers import StoredAction
from domain.usage import Usage
from infra.simulator.checks import number, one_of, wrong
from infra.simulator.errors import SimulatedError

MOST_KEPT = 2_000


@dataclass(slots=True)
class StoredResponse:
    """A stored response.

    Args:
        body: the complete response object.
        items: its own input, as in ``/input_items``.
        history: input and output of the conversation including this response.
        usage: of the response.
        background: requested with ``background``.
        started: the response object while in progress, if it was requested with ``background`` and ``stream``.
        fetched: fetched when complete, and counted.
        cancelled: it never completes.
    """

    body: dict[str, Any]
    items: list[dict[str, Any]]
    history: list[dict[str, Any]]
    usage: Usage
    background: bool = False
    started: dict[str, Any] | None = None
    fetched: bool = False
    cancelled: bool = False


@dataclass(slots=True)
class ResponseStore:
    """Responses by id; the oldest are dropped.

    Args:
        most: number of responses to keep.
    """

    most: int = MOST_KEPT
    _by_id: OrderedDict[str, StoredResponse] = field(default_factory=OrderedDict)

    def new_id(self) -> str:
        """Make a random id: the only part of an answer that differs between equal requests."""
        return f"resp_{secrets.token_hex(24)}"

    def keep(self, response_id: str, kept: StoredResponse) -> None:
        """Store a response."""
        self._by_id[response_id] = kept
        while len(self._by_id) > self.most:
            self._by_id.popitem(last=False)

    def find(self, response_id: str) -> StoredResponse | None:
        """Return a response; None if unknown."""
        return self._by_id.get(response_id)

    def require(self, response_id: str) -> StoredResponse:
        """Return a response.

        Raises:
            SimulatedError: 404, unknown.
        """
        found = self.find(response_id)
        if found is None:
            raise SimulatedError(404, f"Response with id '{response_id[:200]}' not found.")
        return found

    def delete(self, response_id: str) -> bool:
        """Delete a response; False if unknown."""
        return self._by_id.pop(response_id, None) is not None

    def clear(self) -> None:
        """Delete all responses."""
        self._by_id.clear()


_PAGE = 20
_LARGEST_PAGE = 100
_NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer about a stored response.

    Args:
        body: JSON.
        reported: the usage in it; None if it has none.
        counted: usage that counts now: a background response is fetched complete for the first time.
    """

    body: bytes
    reported: Usage | None = None
    counted: Usage = _NOTHING


def answer_stored(kept: ResponseStore, action: StoredAction, response_id: str, query: str) -> StoredAnswer:
    """Perform an action on a stored response.

    Raises:
        SimulatedError: 404, unknown response; 400, invalid action.
    """
    found = kept.require(response_id)
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    if action is StoredAction.DELETE:
        kept.delete(response_id)
        return StoredAnswer(msgspec.json.encode({"id": response_id, "object": "response", "deleted": True}))
    if action is StoredAction.INPUT_ITEMS:
        return StoredAnswer(msgspec.json.encode(_page(found.items, options)))
    if action is StoredAction.CANCEL:
        return _cancelled(found)
    return _complete(found)


def _complete(found: StoredResponse) -> StoredAnswer:
    if found.cancelled:
        body = {**found.body, "status": "cancelled", "output": [], "usage": None, "completed_at": None}
        return StoredAnswer(msgspec.json.encode(body))
    first = found.background and not found.fetched
    found.fetched = True
    reported = None if found.body["usage"] is None else found.usage
    return StoredAnswer(msgspec.json.encode(found.body), reported, found.usage if first else _NOTHING)


def _cancelled(found: StoredResponse) -> StoredAnswer:
    if not found.background:
        raise SimulatedError(400, "Cannot cancel a synchronous response.")
    found.cancelled = not found.fetched
    return _complete(found)


def _page(items: list[dict[str, Any]], options: dict[str, str]) -> dict[str, Any]:
    order = options.get("order", "desc")
    one_of(order, ("asc", "desc"), "order")
    try:
        limit = int(options.get("limit", _PAGE))
    except ValueError:
        raise wrong("Invalid type for 'limit': expected an integer.", "limit", "invalid_type") from None
    number({"limit": limit}, "limit", 1, _LARGEST_PAGE, whole=True)
    listed = items if order == "asc" else items[::-1]
    after = options.get("after")
    if after is not None:
        places = [at for at, item in enumerate(listed) if item["id"] == after]
        listed = listed[places[0] + 1 :] if places else []
    page = listed[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(listed) > limit,
    }
