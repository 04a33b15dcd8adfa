"""What every store of documents asks before it writes, and what each says in the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from application.ports.catalog_store import HistoryEntry
from domain.documents import exact_json


def identified(body: Mapping[str, object]) -> tuple[str, str]:
    """The id of a document that is to be stored, and its text.

    Raises:
        ValueError: it has no id of type text, or something in it is not JSON.
    """
    document_id = body.get("id")
    if not isinstance(document_id, str) or not document_id:
        msg = "a document needs an `id` of type text"
        raise ValueError(msg)
    return document_id, exact_json.encode(body)


def refusal(convert: Callable[[], object]) -> str | None:
    """Why a conversion to what a store keeps fails, or ``None``."""
    try:
        convert()
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def conflict(kind: str, document_id: str) -> str:
    """What a ``ConflictError`` says, the same from every store."""
    return f"{kind} {document_id!r} has been changed in the meantime"


def known_version(entry: HistoryEntry) -> str:
    """What a ``ConflictError`` says where a history has an entry of this number already, the same from every store."""
    return f"the history of {entry.document_id!r} has a version {entry.version} in the meantime"
