"""Reading and verifying the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from application.ports.audit_log import AuditLog
from domain.audit import START, AuditEntry, fault_of, members_of

_PAGE = 1000


async def entries_of_log(log: AuditLog) -> AsyncIterator[AuditEntry]:
    """Yield every entry of the log, in order.

    Raises:
        StoreUnavailableError: the log is unavailable.
    """
    after = 0
    while page := await log.read(after, _PAGE):
        for entry in page:
            yield entry
        after = page[-1].number


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of verifying the log.

    Args:
        entries: number of entries that are right.
        head: hash of the last of them.
        fault: what is wrong with the entry after them; None if nothing is.
        contains: whether an entry has the hash that was looked for; None if none was.
    """

    entries: int
    head: str
    fault: str | None
    contains: bool | None


async def verify(log: AuditLog, contains: str | None = None) -> Verification:
    """Verify the chain of entries.

    Args:
        log: the audit log.
        contains: a hash that was noted earlier: if it is missing, the log was cut short or written anew.

    Raises:
        StoreUnavailableError: the log is unavailable.
    """
    number, head, found = 0, START, contains == START
    async for entry in entries_of_log(log):
        fault = fault_of(entry, number + 1, head)
        if fault is not None:
            return Verification(number, head, fault, None if contains is None else found)
        number, head = entry.number, entry.hash
        found = found or head == contains
    return Verification(number, head, None, None if contains is None else found)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Selection of entries: those that contain each of the given texts.

    Args:
        actor: part of who.
        subject: part of what it is about.
        action: part of what was done.
    """

    actor: str = ""
    subject: str = ""
    action: str = ""

    def selects(self, members: Mapping[str, object]) -> bool:
        """Tell whether an entry is selected."""
        wanted = {"actor": self.actor, "subject": self.subject, "action": self.action}
        return all(text.lower() in str(members.get(name, "")).lower() for name, text in wanted.items())


async def latest(log: AuditLog, selection: AuditFilter, limit: int) -> list[Mapping[str, object]]:
    """Return the members of the latest selected entries, oldest first.

    Raises:
        StoreUnavailableError: the log is unavailable.
    """
    last = await log.last()
    found: list[Mapping[str, object]] = []
    end = 0 if last is None else last.number
    while end > 0 and len(found) < limit:
        start = max(end - _PAGE, 0)
        page = [_members(entry) for entry in await log.read(start, end - start)]
        found = [members for members in page if selection.selects(members)] + found
        end = start
    return found[-limit:]


def _members(entry: AuditEntry) -> Mapping[str, object]:
    try:
        return {**members_of(entry), "hash": entry.hash}
    except ValueError:
        return {"number": entry.number, "reason": "this entry cannot be read; see `llmproxy audit verify`"}
