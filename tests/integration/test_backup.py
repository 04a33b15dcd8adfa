"""Backups of each kind of store, restored to the same kind or the other: nothing is missing, nothing differs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from operator import attrgetter
from pathlib import Path

import pytest

from application.admin.audit_trail import AuditTrail
from application.admin.backup import DOCUMENTS, BackupStores, back_up
from application.admin.messages import CommandError
from application.admin.restore import restore
from application.ports.catalog_store import ChangeKind, HistoryEntry, Kind
from domain.audit import AuditEvent, Outcome
from infra.audit_log.cosmos import CosmosAuditLog
from infra.audit_log.sqlite import SqliteAuditLog
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store import codec
from infra.usage_store.cosmos import CosmosUsageStore
from infra.usage_store.sqlite import SqliteUsageStore
from llmproxy.backup_files import BackupError, ExistingBackup, NewBackup
from tests.builders import model_body, project_body
from tests.fakes.cosmos_server import cosmos_account, cosmos_server
from tests.ledgers import many_lines

LINES = 300


@pytest.fixture(name="port", scope="module")
def _port() -> Iterator[int]:
    with cosmos_server() as port:
        yield port


@asynccontextmanager
async def stores(kind: str, folder: Path, port: int) -> AsyncIterator[BackupStores]:
    if kind == "cosmos":
        database = CosmosDatabase(cosmos_account(port))
        made = BackupStores(
            CosmosCatalogStore(database, "models"),
            CosmosUsageStore(database),
            CosmosAuditLog(database),
            codec.encode,
            codec.decode,
        )
    else:
        made = BackupStores(
            SqliteCatalogStore(folder / "catalog.sqlite3"),
            SqliteUsageStore(folder / "usage.sqlite3"),
            SqliteAuditLog(folder / "audit.sqlite3"),
            codec.encode,
            codec.decode,
        )
    async with AsyncExitStack() as stack:
        for store in (made.catalog, made.usage, made.audit):
            await store.prepare()
            stack.push_async_callback(store.close)
        yield made


def entry(document_id: str, version: int, change: ChangeKind, body: object) -> HistoryEntry:
    return HistoryEntry(document_id, version, 1_795_000_000_000 + version, "büro@laptop", change, body, "note")


async def fill(made: BackupStores) -> None:
    kept, gone = model_body(id="kept", costs={"currency": "USD", "cost_input_1Mtokens": 0.1}), model_body(id="gone")
    await made.catalog.put(Kind.MODEL, kept, entries=[entry("kept", 1, ChangeKind.ADDED, kept)])
    changed = kept | {"name": "ünlü"}
    await made.catalog.put(Kind.MODEL, changed, entries=[entry("kept", 2, ChangeKind.CHANGED, changed)])
    await made.catalog.put(Kind.MODEL, gone, entries=[entry("gone", 1, ChangeKind.ADDED, gone)])
    await made.catalog.delete(Kind.MODEL, "gone", entries=[entry("gone", 2, ChangeKind.REMOVED, None)])
    await made.catalog.put(Kind.PROJECT, project_body(keys=[{"id": "k", "sha256": "a" * 64, "prefix": "sk-aaaa"}]))
    await made.catalog.put(Kind.ADMINISTRATOR, {"id": "alice", "role": "admin", "keys": []})
    await made.usage.add(many_lines(LINES))
    for number in range(5):
        changes = [{"field": "price", "old": number, "new": "0.10"}]
        await made.audit.append(
            AuditEvent(number, "büro", "cli", "catalog apply", "model kept", Outcome.CHANGED, changes)
        )


async def everything(made: BackupStores) -> list[object]:
    documents = [[one.body for one in await made.catalog.load(kind)] for kind in DOCUMENTS]
    lines = [line async for page in made.usage.pages() for line in page]
    history = await made.catalog.history(limit=100)
    return [documents, sorted(lines, key=attrgetter("id")), history, (await made.audit.read())[:5]]


@pytest.mark.parametrize(("source", "target"), [("sqlite", "sqlite"), ("sqlite", "cosmos"), ("cosmos", "sqlite")])
async def test_everything_comes_back(tmp_path: Path, port: int, source: str, target: str) -> None:
    async with stores(source, tmp_path / "source", port) as one, stores(target, tmp_path / "target", port) as other:
        await fill(one)
        made = NewBackup(tmp_path / "backup")
        done = await back_up(one, made, 1_795_000_000_000)
        made.finish({})
        assert (done.sums.lines, done.left_out) == (LINES, ())
        found = ExistingBackup(tmp_path / "backup")
        found.verify()
        await restore(other, found, AuditTrail(other.audit, "me", "cli", "restore", lambda: 1))
        assert await everything(other) == await everything(one)
        assert len(await other.audit.read()) == 6, "the restoring has an entry of its own"
        with pytest.raises(CommandError, match="already"):
            await restore(other, found, AuditTrail(other.audit, "me", "cli", "restore", lambda: 1))


async def test_a_backup_is_private_and_a_changed_one_is_refused(tmp_path: Path, port: int) -> None:
    folder = tmp_path / "backup"
    async with stores("sqlite", tmp_path / "source", port) as one:
        await fill(one)
        made = NewBackup(folder)
        await back_up(one, made, 1_795_000_000_000)
        made.finish({})
    assert {path.stat().st_mode & 0o77 for path in (folder, *folder.iterdir())} == {0}
    with pytest.raises(BackupError, match="exists already"):
        NewBackup(folder)
    ledger = folder / "ledger.jsonl.gz"
    content = bytearray(ledger.read_bytes())
    content[len(content) // 2] ^= 1
    ledger.write_bytes(content)
    with pytest.raises(BackupError, match=r"ledger\.jsonl\.gz"):
        ExistingBackup(folder).verify()
    (folder / "manifest.json").write_text("{}", "utf-8")
    with pytest.raises(BackupError, match="not a backup"):
        ExistingBackup(folder)
