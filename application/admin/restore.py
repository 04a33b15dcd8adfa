"""Restoring of a backup to empty stores, and the check that they then hold the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from application.admin.audit_trail import AuditTrail
from application.admin.backup import AUDIT, DOCUMENTS, HISTORY, LEDGER, BackupStores, LedgerSums
from application.admin.messages import CommandError
from application.ports.audit_log import AuditLog
from application.ports.catalog_store import CatalogStore, ChangeKind, HistoryEntry, Kind
from application.ports.usage_store import UsageQuery
from domain.audit import AuditEvent, Outcome
from domain.documents import exact_json
from domain.ledger import LedgerLine

_BATCH = 500

Members = Mapping[str, object]


class BackedUpFiles(Protocol):
    """The files of a backup."""

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file."""


async def restore(stores: BackupStores, files: BackedUpFiles, trail: AuditTrail) -> LedgerSums:
    """Write a backup to stores that are empty, and check that they hold it.

    The audit log comes first, so that its entries keep their numbers and hashes; the entry of this restoring follows
    them. An interrupted restoring leaves stores that are not empty: remove them and begin anew.

    Args:
        stores: to restore to.
        files: of the backup.
        trail: records it.

    Raises:
        CommandError: the stores are not empty, a file has a fault, or the stores hold something else afterwards.
        StoreUnavailableError: a store is unavailable.
    """
    await _check_empty(stores)
    await _restore_audit(stores.audit, files)
    counts = {kind: sum(1 for _ in files.lines(name)) for kind, name in DOCUMENTS.items()}
    await trail.changing("all stores", [{"field": f"{kind}s", "new": count} for kind, count in counts.items()])
    histories = _histories(files)
    for kind, name in DOCUMENTS.items():
        for line in files.lines(name):
            body = _object(line, name)
            entries = histories.pop(str(body.get("id")), ()) if kind is Kind.MODEL else ()
            await stores.catalog.put(kind, body, replaces="", entries=entries)
    for entries in histories.values():
        await _restore_removed(stores.catalog, entries)
    expected = await _restore_ledger(stores, files)
    await _compare(stores, counts, expected)
    return expected


async def _check_empty(stores: BackupStores) -> None:
    for kind in DOCUMENTS:
        if await stores.catalog.load(kind):
            raise CommandError(f"there are {kind}s already: restore to stores that are empty")
    if await stores.usage.lines(limit=1):
        raise CommandError("the ledger has lines already: restore to stores that are empty")
    if await stores.audit.last() is not None:
        raise CommandError("the audit log has entries already: restore to stores that are empty")


async def _restore_audit(log: AuditLog, files: BackedUpFiles) -> None:
    for number, line in enumerate(files.lines(AUDIT), 1):
        kept = _object(line, AUDIT)
        try:
            event = _event(exact_json.decode(str(kept["text"])))
        except (ValueError, KeyError, TypeError):
            raise CommandError(f"entry {number} of the audit log cannot be read") from None
        entry = await log.append(event)
        if entry.hash != kept["hash"]:
            raise CommandError(f"entry {number} of the audit log has another hash than before")


def _event(members: object) -> AuditEvent:
    if not isinstance(members, Mapping):
        raise TypeError
    values = {name: members[name] for name in AuditEvent.__dataclass_fields__}
    return AuditEvent(**values | {"outcome": Outcome(values["outcome"])})


def _histories(files: BackedUpFiles) -> dict[str, list[HistoryEntry]]:
    """Return the entries by document, lowest version first."""
    found: defaultdict[str, list[HistoryEntry]] = defaultdict(list)
    for line in files.lines(HISTORY):
        members = dict(_object(line, HISTORY))
        try:
            entry = HistoryEntry(**members | {"change": ChangeKind(str(members["change"]))})  # type: ignore[arg-type]
        except (TypeError, ValueError, KeyError):
            raise CommandError("an entry of the history cannot be read") from None
        found[entry.document_id].append(entry)
    return {document_id: sorted(entries, key=lambda entry: entry.version) for document_id, entries in found.items()}


async def _restore_removed(catalog: CatalogStore, entries: list[HistoryEntry]) -> None:
    """Write and remove a document that there was once, so that its history is there."""
    body = next((entry.body for entry in reversed(entries) if isinstance(entry.body, Mapping)), None)
    if body is None:
        return
    await catalog.put(Kind.MODEL, body, replaces="", entries=entries[:-1])
    await catalog.delete(Kind.MODEL, entries[-1].document_id, entries=entries[-1:])


async def _restore_ledger(stores: BackupStores, files: BackedUpFiles) -> LedgerSums:
    costs: Counter[str] = Counter()
    count = 0
    for batch in _batches(_ledger_lines(files, stores.decode)):
        await stores.usage.add(batch)
        count += len(batch)
        for line in batch:
            costs[line.currency] += line.cost_units
    return LedgerSums(count, dict(costs))


def _ledger_lines(files: BackedUpFiles, decode: Callable[[bytes], LedgerLine]) -> Iterator[LedgerLine]:
    for number, line in enumerate(files.lines(LEDGER), 1):
        try:
            yield decode(line)
        except ValueError:
            raise CommandError(f"line {number} of the ledger cannot be read") from None


def _batches(lines: Iterable[LedgerLine]) -> Iterator[list[LedgerLine]]:
    left = iter(lines)
    while batch := list(islice(left, _BATCH)):
        yield batch


async def _compare(stores: BackupStores, counts: Mapping[Kind, int], expected: LedgerSums) -> None:
    rows = await stores.usage.report(UsageQuery(by=()))
    found = LedgerSums(sum(row.calls for row in rows), {row.currency: row.cost_units for row in rows})
    if found != expected:
        raise CommandError(
            f"the restored ledger has {found.lines} lines and other sums than the backup with its {expected.lines}"
        )
    for kind, count in counts.items():
        if len(await stores.catalog.load(kind)) != count:
            raise CommandError(f"not every {kind} was restored")


def _object(line: bytes, name: str) -> Members:
    try:
        found = exact_json.decode(line)
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise CommandError(f"a line of {name} cannot be read")
    return found
