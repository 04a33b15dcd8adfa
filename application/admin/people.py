"""Access and erasure of what is kept about an end user. No sum changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.admin.audit_trail import AuditTrail
from application.admin.messages import CommandError
from application.ports.usage_store import UsageStore
from domain.ledger import LedgerLine


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that names an end user.

    Args:
        lines: of the ledger, latest first.
    """

    lines: Sequence[LedgerLine]


@dataclass(frozen=True, slots=True)
class Erased:
    """Result of erasing an end user.

    Args:
        pseudonym: the name that stands in ledger lines from now on.
        lines: number of ledger lines that were changed.
    """

    pseudonym: str
    lines: int


async def collect(usage: UsageStore, end_user: str) -> Person:
    """Return everything that names an end user.

    Args:
        usage: the ledger.
        end_user: as callers send it, in the member ``user`` of a body.

    Raises:
        StoreUnavailableError: a store is unavailable.
    """
    return Person(await usage.lines_of(end_user))


async def erase(usage: UsageStore, end_user: str, trail: AuditTrail, random_bytes: Callable[[int], bytes]) -> Erased:
    """Put a random pseudonym in place of an end user's name. The audit log has the pseudonym, not the name.

    Raises:
        CommandError: nothing names this end user.
        StoreUnavailableError: a store is unavailable; what was not erased yet is erased by trying again.
    """
    lines = len(await usage.lines_of(end_user))
    if not lines:
        raise CommandError("nothing names this end user")
    pseudonym = f"erased-{random_bytes(8).hex()}"
    await trail.changing(f"person {pseudonym}", [{"field": "end_user", "new": pseudonym, "lines": lines}])
    return Erased(pseudonym, await usage.rename_end_user(end_user, pseudonym))
