"""Documents as Cosmos DB keeps them: restricted ids, numbers that are IEEE doubles, fields of its own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from application.errors import DocumentRefusedError
from application.ports.catalog_store import StoredDocument
from domain.documents.fault import Unreadable, shown
from domain.documents.store_fields import without_bookkeeping
from infra.catalog_store import writing
from infra.clients.cosmos_container import ABSENT, LARGEST_INTEGER

_ID = re.compile(r"(?!\.+$)[^/\\?#]*[^/\\?# ]")
_LONGEST_ID = 1023

Copy = tuple[str, str, str, object]


def to_item(body: Mapping[str, object], partition_member: str) -> dict[str, Any]:
    """Convert a document to the JSON object for the SDK.

    Raises:
        ValueError: it lacks a text `id`, or contains something that is not JSON.
        DocumentRefusedError: Cosmos DB does not accept the id, the partition key is a list or an object, or a double
            cannot hold a number exactly.
    """
    document_id, _ = writing.identified(body)
    if not document_id.isprintable() or not _ID.fullmatch(document_id):
        raise DocumentRefusedError(
            f"Cosmos DB does not accept the id {shown(document_id)}: no / \\ ? #, no trailing space, not only dots"
        )
    if len(document_id.encode()) > _LONGEST_ID:
        raise DocumentRefusedError(f"Cosmos DB does not accept an id longer than {_LONGEST_ID} bytes")
    if isinstance(body.get(partition_member), Mapping | list | tuple):
        raise DocumentRefusedError(f"`{partition_member}` is the partition key and must be text")
    return {name: _to_json(value) for name, value in without_bookkeeping(body).items()}


def to_document(document_id: str, rows: Iterable[tuple[str, str, object]]) -> StoredDocument:
    """Build the document of an id.

    Args:
        document_id: the id.
        rows: partition key (as text), ETag and body of every document with this id. Ids are unique only within a
            partition: of several, no one is authoritative, and the document is unreadable.
    """
    found = sorted(rows, key=lambda row: row[:2])
    if len(found) == 1:
        ((_, etag, body),) = found
        return StoredDocument(document_id, body, etag)
    where = " and ".join(partition for partition, _, _ in found)
    body = Unreadable(f"exists {len(found)} times, with the partition keys {where}", "one document with this id")
    return StoredDocument(document_id, body, version_of(etag for _, etag, _ in found))


def version_of(etags: Iterable[str]) -> str:
    """Combine the ETags of every copy of a document into its version; empty without a copy."""
    return " ".join(sorted(etags))


def copy_of(row: Mapping[str, Any], partition_member: str) -> Copy:
    """Read id, partition key (as text), ETag and body from a row of a query for whole documents."""
    return str(row["id"]), partition_text(row, partition_member), row["_etag"], to_body(row)


def to_documents(copies: Iterable[Copy]) -> list[StoredDocument]:
    """Group copies into documents, ordered by id."""
    ordered = sorted(copies, key=itemgetter(0, 1))
    return [
        to_document(document_id, (copy[1:] for copy in same)) for document_id, same in groupby(ordered, itemgetter(0))
    ]


def to_body(row: Mapping[str, Any]) -> object:
    """Return a document without the service's fields, its numbers as they were written.

    A double's shortest notation has the digits that were typed, as long as those were no more than 15.
    """
    return _from_json(without_bookkeeping(row))


def partition_of(row: Mapping[str, Any], partition_member: str) -> object:
    """Return the value of the partition key, or :data:`ABSENT`."""
    return row.get(partition_member, ABSENT)


def partition_text(row: Mapping[str, Any], partition_member: str) -> str:
    """Return the partition key as text, to be compared and shown."""
    return json.dumps(row[partition_member], ensure_ascii=False) if partition_member in row else "none"


def _to_json(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _to_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Decimal):
        number = float(value)
        if not math.isfinite(number) or Decimal(repr(number)) != value:
            raise DocumentRefusedError(f"the number {shown(value)} has more digits than Cosmos DB keeps (about 16)")
        return number
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise DocumentRefusedError(f"the number {shown(value)} has more digits than Cosmos DB keeps (about 16)")
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _from_json(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    return Decimal(repr(value)) if isinstance(value, float) else value
