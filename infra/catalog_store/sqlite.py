"""The catalogue in an SQLite file that several processes share and that operators may edit with SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from application.errors import ConflictError
from application.ports.catalog_store import Changes, HistoryEntry, Kind, StoredDocument
from domain.documents import exact_json
from infra.catalog_store import sqlite_history as history
from infra.catalog_store import writing
from infra.clients.sqlite import SqliteDatabase, transaction

# Versions and the catalogue's mark are random and made by triggers: whoever writes, with whatever tool, changes them,
# and a restored backup brings back the old mark with the old content. Not INSERT OR REPLACE inside a trigger: the
# conflict clause of the statement that fires it would win.
_TRIGGERS = """
    CREATE TRIGGER document_added AFTER INSERT ON documents BEGIN
        UPDATE documents
            SET version = lower(hex(randomblob(8))), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
            WHERE kind = NEW.kind AND id = NEW.id;
        DELETE FROM mark;
        INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    END;
    CREATE TRIGGER document_changed AFTER UPDATE OF kind, id, body ON documents BEGIN
        UPDATE documents
            SET version = lower(hex(randomblob(8))), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
            WHERE kind = NEW.kind AND id = NEW.id;
        DELETE FROM mark;
        INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    END;
    CREATE TRIGGER document_removed AFTER DELETE ON documents BEGIN
        DELETE FROM mark;
        INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    END;
"""

_TABLES = """
    CREATE TABLE documents (
        kind TEXT NOT NULL CHECK (kind IN ('model', 'project')),
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        version TEXT NOT NULL DEFAULT '',
        updated_at TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (kind, id)
    );
    CREATE TABLE mark (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        value TEXT NOT NULL
    );
    INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    """
# The same table with one more kind; SQLite cannot change a CHECK. Its triggers end with the old one.
_THREE_KINDS = """
    CREATE TABLE documents_of_3_kinds (
        kind TEXT NOT NULL CHECK (kind IN ('model', 'project', 'administrator')),
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        version TEXT NOT NULL DEFAULT '',
        updated_at TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (kind, id)
    );
    INSERT INTO documents_of_3_kinds SELECT kind, id, body, version, updated_at FROM documents;
    DROP TABLE documents;
    ALTER TABLE documents_of_3_kinds RENAME TO documents;
    """
MIGRATIONS = (_TABLES + _TRIGGERS, history.TABLE, _THREE_KINDS + _TRIGGERS)

# As bytes: text that is not UTF-8, written by some other tool, would otherwise fail the whole query.
_COLUMNS = "CAST(id AS BLOB), CAST(body AS BLOB), CAST(version AS BLOB)"
_WRITE = """
    INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
"""


class SqliteCatalogStore:
    """Documents in one table. When the file cannot be used every method raises ``StoreUnavailableError``.

    Args:
        path: the database file, of the catalogue alone.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, MIGRATIONS)

    async def prepare(self) -> None:
        """Create the file and its tables where they are missing."""
        await self._database.prepare()

    async def open(self) -> None:
        """Do the same as ``prepare``: an embedded store needs no other rights."""
        await self._database.prepare()

    async def fingerprint(self) -> str:
        """Return a text that differs after any change, also by other processes."""
        return await self._database.run(_mark)

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Read every document of one kind, ordered by id. A body that is not JSON becomes a text with the reason."""

        def work(connection: sqlite3.Connection) -> list[StoredDocument]:
            query = f"SELECT {_COLUMNS} FROM documents WHERE kind = ? ORDER BY id"  # noqa: S608 - only our own constant goes in
            return [_document(*row) for row in connection.execute(query, (kind.value,))]

        return await self._database.run(work)

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        """Return the difference from ``known``. Reads only the bodies of what changed."""

        def work(connection: sqlite3.Connection) -> Changes:
            listing = "SELECT id, version FROM documents WHERE kind = ? ORDER BY id"
            one = f"SELECT {_COLUMNS} FROM documents WHERE kind = ? AND id = ?"  # noqa: S608 - only our own constant goes in
            with transaction(connection):
                rows = connection.execute(listing, (kind.value,)).fetchall()
                changed = [row[0] for row in rows if known.get(row[0]) != row[1]]
                documents = [_document(*connection.execute(one, (kind.value, each)).fetchone()) for each in changed]
            return Changes(documents, frozenset(known).difference(row[0] for row in rows))

        return await self._database.run(work)

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """Read one document; None if absent."""

        def work(connection: sqlite3.Connection) -> StoredDocument | None:
            query = f"SELECT {_COLUMNS} FROM documents WHERE kind = ? AND id = ?"  # noqa: S608 - only our own constant goes in
            row = connection.execute(query, (kind.value, document_id)).fetchone()
            return None if row is None else _document(*row)

        return await self._database.run(work)

    def unfit(self, kind: Kind, body: Mapping[str, object]) -> str | None:
        """Say why ``put`` would refuse such a document, as far as is known without the store; None if it would not."""
        del kind
        return writing.refusal(lambda: writing.identified(body))

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        """Write a document and return its new version.

        Raises:
            ConflictError: the document is not at the version ``replaces``, or an entry exists already.
            ValueError: the body lacks a text `id`, or contains something that is not JSON.
        """
        document_id, text = writing.identified(body)
        rows = [history.row(entry) for entry in entries]

        def work(connection: sqlite3.Connection) -> str:
            with transaction(connection):
                if replaces is not None and replaces != (_version(connection, kind, document_id) or ""):
                    raise ConflictError(writing.conflict(kind, document_id))
                history.record(connection, entries, rows)
                connection.execute(_WRITE, (kind.value, document_id, text))
                return _version(connection, kind, document_id) or ""

        return await self._database.run(work)

    async def delete(
        self, kind: Kind, document_id: str, *, replaces: str | None = None, entries: Sequence[HistoryEntry] = ()
    ) -> bool:
        """Remove a document and return whether it existed.

        Raises:
            ConflictError: the document is not at the version ``replaces``, or an entry exists already.
        """
        rows = [history.row(entry) for entry in entries]

        def work(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                version = _version(connection, kind, document_id)
                if version is None:
                    return False
                if replaces not in {None, version}:
                    raise ConflictError(writing.conflict(kind, document_id))
                history.record(connection, entries, rows)
                connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind.value, document_id))
                return True

        return await self._database.run(work)

    async def history(
        self, document_id: str | None = None, *, limit: int = 50, below: int | None = None
    ) -> Sequence[HistoryEntry]:
        """Read past versions: of one document highest first, of all documents latest first."""
        return await self._database.run(lambda connection: history.read(connection, document_id, limit, below))

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._database.close()


def _mark(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM mark").fetchone()
    return "" if row is None else str(row[0])


def _version(connection: sqlite3.Connection, kind: Kind, document_id: str) -> str | None:
    query = "SELECT version FROM documents WHERE kind = ? AND id = ?"
    row = connection.execute(query, (kind.value, document_id)).fetchone()
    return None if row is None else str(row[0])


def _document(document_id: bytes, text: bytes, version: bytes) -> StoredDocument:
    try:
        body = exact_json.decode(text)
    except ValueError as error:
        body = f"not JSON: {error}"
    return StoredDocument(document_id.decode(errors="replace"), body, version.decode(errors="replace"))
