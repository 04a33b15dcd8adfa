"""Recording of what administrators change, and of what they are refused, in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from application.admin.diff import ABSENT, FieldChange, differences, same
from application.admin.redact import HIDDEN
from application.ports.audit_log import AuditLog
from application.ports.catalog_store import CatalogStore, HistoryEntry, Kind, StoredDocument
from domain.audit import AuditEvent, Outcome
from domain.documents.values import MASK
from domain.documents.write import entries_of

_LONGEST_REASON = 1000
_SHOWN_OF_KEYS = ("name", "prefix", "created_at", "expires_at", "revoked_at", "limits", "budgets", "rotated_from")


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """Adds what one administrator does to the log.

    Args:
        log: the audit log.
        actor: who.
        origin: from where.
        action: what is being done.
        now_ms: returns milliseconds since 1970-01-01 UTC.
    """

    log: AuditLog
    actor: str
    origin: str
    action: str
    now_ms: Callable[[], int]

    async def changing(self, subject: str, changes: Sequence[Mapping[str, object]]) -> None:
        """Record a change that is about to be made.

        Raises:
            StoreUnavailableError: the log is unavailable: the change must not be made.
        """
        await self._add(subject, Outcome.CHANGED, changes)

    async def refused(self, subject: str, reason: str) -> None:
        """Record a refusal, or a change that failed.

        Raises:
            StoreUnavailableError: the log is unavailable.
        """
        await self._add(subject, Outcome.REFUSED, (), reason[:_LONGEST_REASON])

    async def _add(
        self, subject: str, outcome: Outcome, changes: Sequence[Mapping[str, object]], reason: str = ""
    ) -> None:
        event = AuditEvent(self.now_ms(), self.actor, self.origin, self.action, subject, outcome, changes, reason)
        await self.log.append(event)


class AuditedCatalogStore:
    """A catalogue store that records each change before it makes it: none can happen without an entry.

    A change that then fails leaves its entry, and a second one that says so.

    Args:
        store: the catalogue.
        trail: of the administrator.
    """

    def __init__(self, store: CatalogStore, trail: AuditTrail) -> None:
        self._store = store
        self._trail = trail
        self.prepare, self.open, self.close = store.prepare, store.open, store.close
        self.fingerprint, self.load, self.changes, self.get = store.fingerprint, store.load, store.changes, store.get
        self.unfit, self.history = store.unfit, store.history

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        """Write a document; see the port."""
        document_id = str(body.get("id"))
        stored = await self._store.get(kind, document_id)
        changes = changes_of(kind, None if stored is None else stored.body, body)
        subject = f"{kind} {document_id}"
        recorded = bool(changes) and _can_replace(stored, replaces)
        if recorded:
            await self._trail.changing(subject, changes)
        try:
            return await self._store.put(kind, body, replaces=replaces, entries=entries)
        except Exception as error:
            if recorded:
                await self._trail.refused(subject, f"the change failed: {error}")
            raise

    async def delete(
        self, kind: Kind, document_id: str, *, replaces: str | None = None, entries: Sequence[HistoryEntry] = ()
    ) -> bool:
        """Remove a document; see the port."""
        stored = await self._store.get(kind, document_id)
        subject = f"{kind} {document_id}"
        recorded = stored is not None and _can_replace(stored, replaces)
        if recorded and stored is not None:
            await self._trail.changing(subject, changes_of(kind, stored.body, None))
        try:
            return await self._store.delete(kind, document_id, replaces=replaces, entries=entries)
        except Exception as error:
            if recorded:
                await self._trail.refused(subject, f"the change failed: {error}")
            raise


def _can_replace(stored: StoredDocument | None, replaces: str | None) -> bool:
    """Tell whether a write based on this version can succeed."""
    return replaces is None or replaces == ("" if stored is None else stored.version)


def changes_of(kind: Kind, old: object, new: object) -> list[dict[str, object]]:
    """Return each field that differs between two versions of a document, without secrets; None = absent."""
    if kind is not Kind.MODEL:
        others = differences(_without_keys(old), _without_keys(new))
        return [*map(_change, others), *_key_changes(old, new)]
    return [_change(one) for one in differences(old, new)]


def _change(change: FieldChange) -> dict[str, object]:
    shown: dict[str, object] = {"field": change.field}
    for name, value in (("old", change.old), ("new", change.new)):
        if value is not ABSENT:
            shown[name] = _masked(value)
    return shown


def _masked(value: object) -> object:
    """Return a JSON value: members of an object may be hidden, too."""
    if isinstance(value, Mapping):
        return {name: _masked(member) for name, member in value.items()}
    return MASK if value is HIDDEN else value


def _key_changes(old: object, new: object) -> Iterator[dict[str, object]]:
    """Yield each known member of keys that differs. Digests of keys are not shown."""
    before, after = _keys(old), _keys(new)
    for key_id in dict.fromkeys([*before, *after]):
        one, other = before.get(key_id, {}), after.get(key_id, {})
        for name in _SHOWN_OF_KEYS:
            if not same(one.get(name), other.get(name)):
                values = {"old": one.get(name), "new": other.get(name)}
                shown = {which: value for which, value in values.items() if value is not None}
                yield {"field": f"keys.{key_id}.{name}", **shown}


def _keys(body: object) -> dict[str, Mapping[str, object]]:
    entries = entries_of(body, "keys") if isinstance(body, Mapping) else ()
    return {str(entry.get("id")): entry for entry in entries if isinstance(entry, Mapping)}


def _without_keys(body: object) -> object:
    if not isinstance(body, Mapping):
        return body
    return {name: value for name, value in body.items() if name != "keys"}
