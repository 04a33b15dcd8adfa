"""Checks and messages that every catalogue store shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from application.ports.catalog_store import HistoryEntry
from domain.documents import exact_json


def identified(body: Mapping[str, object]) -> tuple[str, str]:
    """Return the id of a document and its text.

    Raises:
        ValueError: it lacks a text `id`, or contains something that is not JSON.
    """
    document_id = body.get("id")
    if not isinstance(document_id, str) or not document_id:
        msg = "expected an `id` of type text"
        raise ValueError(msg)
    return document_id, exact_json.encode(body)


def refusal(convert: Callable[[], object]) -> str | None:
    """Return the reason why a conversion fails; None if it succeeds."""
    try:
        convert()
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def conflict(kind: str, document_id: str) -> str:
    """Return the message for a document that was changed concurrently."""
    return f"{kind} {document_id!r} was changed concurrently"


def known_version(entry: HistoryEntry) -> str:
    """Return the message for a history entry that exists already."""
    return f"the history of {entry.document_id!r} already has a version {entry.version}"
