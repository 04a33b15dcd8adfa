"""The history of model documents, in the SQLite file of the catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from application.errors import ConflictError
from application.ports.catalog_store import ChangeKind, HistoryEntry
from domain.documents import exact_json
from infra.catalog_store import writing

TABLE = """
    CREATE TABLE history (
        document_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        author TEXT NOT NULL,
        deed TEXT NOT NULL,
        note TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (document_id, version)
    );
    CREATE INDEX history_latest ON history (at_ms, document_id, version);
"""

Row = tuple[str, int, int, str, str, str, str]


def row(entry: HistoryEntry) -> Row:
    """Convert an entry to a row of the table.

    Raises:
        ValueError: something in the body is not JSON.
    """
    text = exact_json.encode(entry.body)
    return entry.document_id, entry.version, entry.at_ms, entry.author, entry.change.value, entry.note, text


def record(connection: sqlite3.Connection, entries: Sequence[HistoryEntry], rows: Sequence[Row]) -> None:
    """Insert the entries as part of the open transaction.

    Raises:
        ConflictError: one of them exists already.
    """
    for entry, values in zip(entries, rows, strict=True):
        try:
            connection.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        except sqlite3.IntegrityError:
            raise ConflictError(writing.known_version(entry)) from None


def read(
    connection: sqlite3.Connection, document_id: str | None, limit: int, below: int | None
) -> Sequence[HistoryEntry]:
    """Read the entries of one document, highest version first, or of all, latest first."""
    query = "SELECT * FROM history WHERE version < ?"
    bound: list[object] = [2**62 if below is None else below]
    if document_id is None:
        query += " ORDER BY at_ms DESC, document_id DESC, version DESC LIMIT ?"
    else:
        query += " AND document_id = ? ORDER BY version DESC LIMIT ?"
        bound.append(document_id)
    return [_entry(*found) for found in connection.execute(query, [*bound, limit])]


def _entry(document_id: str, version: int, at_ms: int, author: str, deed: str, note: str, text: str) -> HistoryEntry:
    return HistoryEntry(document_id, version, at_ms, author, ChangeKind(deed), exact_json.decode(text), note)
