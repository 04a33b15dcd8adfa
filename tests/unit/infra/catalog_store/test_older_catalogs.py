"""Catalogues of older releases, which had no administrators."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from application.ports.catalog_store import Kind
from infra.catalog_store import sqlite_history
from infra.catalog_store.sqlite import MIGRATIONS, SqliteCatalogStore


async def test_an_older_catalogue_keeps_its_documents_and_takes_administrators(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    older = sqlite3.connect(path)
    older.executescript(MIGRATIONS[0] + sqlite_history.TABLE + "PRAGMA user_version = 2;")
    older.execute("""INSERT INTO documents (kind, id, body) VALUES ('project', 'billing', '{"id": "billing"}')""")
    older.commit()
    (version,) = older.execute("SELECT version FROM documents").fetchone()
    older.close()

    store = SqliteCatalogStore(path)
    await store.open()
    mark = await store.fingerprint()
    (kept,) = await store.load(Kind.PROJECT)
    assert (kept.body, kept.version) == ({"id": "billing"}, version)
    added = await store.put(Kind.ADMINISTRATOR, {"id": "alice"})
    changed = await store.put(Kind.ADMINISTRATOR, {"id": "alice", "role": "viewer"}, replaces=added)
    assert len({"", added, changed}) == 3
    assert await store.fingerprint() != mark
    await store.put(Kind.PROJECT, {"id": "billing", "name": "Billing"}, replaces=version)
    await store.close()
