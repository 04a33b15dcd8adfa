"""Access and erasure of what is kept about an end user. No sum changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.admin.audit_trail import AuditTrail
from application.admin.messages import CommandError
from application.ports.content_log import ContentLog, ContentRecord
from application.ports.usage_store import UsageStore
from domain.ledger import LedgerLine


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that names an end user.

    Args:
        lines: of the ledger, latest first.
        records: of the content log, oldest first.
    """

    lines: Sequence[LedgerLine]
    records: Sequence[ContentRecord]


@dataclass(frozen=True, slots=True)
class Erased:
    """Result of erasing an end user.

    Args:
        pseudonym: the name that stands in ledger lines from now on.
        lines: number of ledger lines that were changed.
        records: number of records of the content log that were removed.
    """

    pseudonym: str
    lines: int
    records: int


async def collect(usage: UsageStore, content: ContentLog | None, end_user: str) -> Person:
    """Return everything that names an end user.

    Args:
        usage: the ledger.
        content: the content log, if there is one.
        end_user: as callers send it, in the member ``user`` of a body.

    Raises:
        StoreUnavailableError: a store is unavailable.
    """
    return Person(await usage.lines_of(end_user), () if content is None else await content.find(end_user))


async def erase(
    usage: UsageStore,
    content: ContentLog | None,
    end_user: str,
    trail: AuditTrail,
    random_bytes: Callable[[int], bytes],
) -> Erased:
    """Remove the content of an end user's calls, and put a random pseudonym in place of the name elsewhere.

    The audit log has the pseudonym, not the name.

    Raises:
        CommandError: nothing names this end user.
        StoreUnavailableError: a store is unavailable; what was not erased yet is erased by trying again.
    """
    found = await collect(usage, content, end_user)
    if not found.lines and not found.records:
        raise CommandError("nothing names this end user")
    pseudonym = f"erased-{random_bytes(8).hex()}"
    changes = [
        {"field": "ledger lines", "new": len(found.lines)},
        {"field": "content records", "old": len(found.records), "new": 0},
    ]
    await trail.changing(f"person {pseudonym}", changes)
    removed = 0 if content is None else await content.erase(end_user)
    return Erased(pseudonym, await usage.rename_end_user(end_user, pseudonym), removed)
