"""Backup of documents, their history, ledger and audit log, taken while servers run."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from application.admin.audit_reading import entries_of_log
from application.admin.completeness import assess
from application.admin.messages import CommandError
from application.ports.audit_log import AuditLog
from application.ports.catalog_store import CatalogStore, HistoryEntry, Kind
from application.ports.usage_store import UsageQuery, UsageStore
from domain.audit import START, fault_of
from domain.documents import exact_json
from domain.documents.fault import Unreadable
from domain.ledger import LedgerLine

FORMAT = 1
DOCUMENTS: Mapping[Kind, str] = {
    Kind.MODEL: "models",
    Kind.PROJECT: "projects",
    Kind.ADMINISTRATOR: "administrators",
}
"""Files of documents, by kind."""
HISTORY, LEDGER, AUDIT = "history", "ledger", "audit"
FILES = (*DOCUMENTS.values(), HISTORY, AUDIT, LEDGER)

_TRIES = 5
_ALL = 1_000_000_000


class BackupFiles(Protocol):
    """Files of a backup that is being written."""

    def add(self, name: str, line: bytes) -> None:
        """Add a line of JSON, without a line break, to a file."""


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """Sums of the lines of a ledger.

    Args:
        lines: number of lines.
        cost_units: cost in 10^-12 of a currency unit, by currency.
    """

    lines: int = 0
    cost_units: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BackupStores:
    """The stores that a backup is taken of, or restored to.

    Args:
        catalog: documents and their history.
        usage: the ledger.
        audit: the audit log.
        encode: writes a ledger line as JSON that ends with a line break.
        decode: reads it; raises ``ValueError``.
    """

    catalog: CatalogStore
    usage: UsageStore
    audit: AuditLog
    encode: Callable[[LedgerLine], bytes]
    decode: Callable[[bytes], LedgerLine]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was taken.

    Args:
        sums: of its ledger.
        complete_ms: every line of a call that arrived before is in it, except lost ones.
        audit_head: hash of the last entry of the audit log.
        left_out: documents that cannot be read, as ``kind id``.
    """

    sums: LedgerSums
    complete_ms: int
    audit_head: str
    left_out: tuple[str, ...]


async def back_up(stores: BackupStores, files: BackupFiles, now_ms: int) -> BackedUp:
    """Write everything to files. Documents are of one moment, ledger and audit log at least of the begin.

    Args:
        stores: to take the backup of.
        files: where it is written.
        now_ms: the time, milliseconds since 1970-01-01 UTC.

    Raises:
        CommandError: documents keep being changed, or the audit log has a fault.
        StoreUnavailableError: a store is unavailable.
    """
    complete = assess(await stores.usage.writers(), UsageQuery(by=()), now_ms).up_to_ms
    left_out = await _documents(stores.catalog, files)
    head = await _audit(stores.audit, files)
    return BackedUp(await _ledger(stores, files), complete, head, left_out)


async def _documents(catalog: CatalogStore, files: BackupFiles) -> tuple[str, ...]:
    for _ in range(_TRIES):
        before = await catalog.fingerprint()
        loaded = {kind: await catalog.load(kind) for kind in DOCUMENTS}
        history = await catalog.history(limit=_ALL)
        if await catalog.fingerprint() == before:
            break
    else:
        raise CommandError("documents were changed again and again while they were read; try again")
    left_out: list[str] = []
    for kind, documents in loaded.items():
        for document in documents:
            if isinstance(document.body, Mapping):
                files.add(DOCUMENTS[kind], exact_json.encode(document.body).encode())
            else:
                left_out.append(f"{kind} {document.id}")
    for entry in reversed(history):
        files.add(HISTORY, exact_json.encode(_members(entry)).encode())
    return tuple(left_out)


def _members(entry: HistoryEntry) -> dict[str, object]:
    return {
        "document_id": entry.document_id,
        "version": entry.version,
        "at_ms": entry.at_ms,
        "author": entry.author,
        "change": entry.change.value,
        "body": None if isinstance(entry.body, Unreadable) else entry.body,
        "note": entry.note,
    }


async def _audit(log: AuditLog, files: BackupFiles) -> str:
    number, head = 0, START
    async for entry in entries_of_log(log):
        fault = fault_of(entry, number + 1, head)
        if fault is not None:
            raise CommandError(f"the audit log has a fault, see `llmproxy audit verify`: {fault}")
        files.add(AUDIT, exact_json.encode({"text": entry.text, "hash": entry.hash}).encode())
        number, head = entry.number, entry.hash
    return head


async def _ledger(stores: BackupStores, files: BackupFiles) -> LedgerSums:
    costs: Counter[str] = Counter()
    lines = 0
    async for line in _lines(stores.usage):
        text = stores.encode(line).rstrip(b"\n")
        files.add(LEDGER, text)
        costs[line.currency] += line.cost_units
        lines += 1
    return LedgerSums(lines, dict(costs))


async def _lines(usage: UsageStore) -> AsyncIterator[LedgerLine]:
    async for page in usage.pages():
        for line in page:
            yield line
