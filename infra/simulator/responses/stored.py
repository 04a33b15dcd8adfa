"""Responses that are kept: fetch, delete, cancel, list what went in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec

from application.ports.providers import StoredAction
from domain.usage import Usage
from infra.simulator.checks import number, one_of, wrong
from infra.simulator.refusal import SimulatedError
from infra.simulator.stored_responses import KeptResponses, StoredResponse

_PAGE = 20
_LARGEST_PAGE = 100
_NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What is answered.

    Args:
        body: JSON.
        reported: usage that it tells; ``None`` = none.
        counted: usage that counts now, because a response from the background is seen complete for the first time.
    """

    body: bytes
    reported: Usage | None = None
    counted: Usage = _NOTHING


def answer_stored(kept: KeptResponses, action: StoredAction, response_id: str, query: str) -> StoredAnswer:
    """Do something with a response.

    Raises:
        SimulatedError: 404, there is none; 400, that cannot be done with it.
    """
    found = kept.find(response_id)
    if found is None:
        raise SimulatedError(404, f"Response with id '{response_id[:200]}' not found.")
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    if action is StoredAction.DELETE:
        kept.delete(response_id)
        return StoredAnswer(msgspec.json.encode({"id": response_id, "object": "response", "deleted": True}))
    if action is StoredAction.INPUT_ITEMS:
        return StoredAnswer(msgspec.json.encode(_page(found.items, options)))
    if action is StoredAction.CANCEL:
        return _cancelled(found)
    if options.get("stream") == "true":
        raise wrong("The simulator does not stream responses that are stored.", "stream")
    return _complete(found)


def _complete(found: StoredResponse) -> StoredAnswer:
    if found.cancelled:
        body = {**found.body, "status": "cancelled", "output": [], "usage": None, "completed_at": None}
        return StoredAnswer(msgspec.json.encode(body))
    first = found.background and not found.fetched
    found.fetched = True
    told = None if found.body["usage"] is None else found.usage
    return StoredAnswer(msgspec.json.encode(found.body), told, found.usage if first else _NOTHING)


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
