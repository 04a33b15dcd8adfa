"""Audit entries: what an administrator changed or was refused, each linked to the one before by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.documents import exact_json

START = "0" * 64
"""The hash before the first entry."""


class Outcome(StrEnum):
    """Result of what was attempted."""

    CHANGED = "changed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that an administrator did or attempted.

    Args:
        at_ms: when, milliseconds since 1970-01-01 UTC.
        actor: who: ``alice@laptop``, or ``--author`` of the command.
        origin: from where: ``cli laptop``, or the address of an HTTP client.
        action: the command without its arguments (``keys create``), or method and path.
        subject: what it is about: ``model gpt-4-azure``, ``project billing``.
        outcome: the result.
        changes: each field that changed as ``{"field", "old", "new"}``, without secrets; a missing member means that
            the field was absent.
        reason: why it was refused; empty otherwise.
    """

    at_ms: int
    actor: str
    origin: str
    action: str
    subject: str
    outcome: Outcome
    changes: Sequence[Mapping[str, object]] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the log.

    Args:
        number: 1, 2, 3, ... without gaps.
        text: the event, the number and the hash of the entry before, as JSON. Kept as it was written.
        hash: SHA-256 of the text, in hexadecimal digits.
    """

    number: int
    text: str
    hash: str


def entry_after(number: int, previous: str, event: AuditEvent) -> AuditEntry:
    """Return the entry of an event that follows the entry with this number and hash."""
    members: dict[str, object] = {"number": number + 1, "previous": previous}
    members |= {name: getattr(event, name) for name in AuditEvent.__dataclass_fields__}
    members["outcome"] = event.outcome.value
    members["changes"] = [dict(change) for change in event.changes]
    text = exact_json.encode(members)
    return AuditEntry(number + 1, text, digest(text))


def digest(text: str) -> str:
    """Return the hash of an entry's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def members_of(entry: AuditEntry) -> Mapping[str, object]:
    """Return the members of an entry's text.

    Raises:
        ValueError: it is not the text of an entry.
    """
    members = exact_json.decode(entry.text)
    if not isinstance(members, Mapping):
        raise ValueError("not an object")  # noqa: TRY004 - what is wrong is a value
    return members


def fault_of(entry: AuditEntry, number: int, previous: str) -> str | None:
    """Say what is wrong with an entry that should have this number and follow this hash; None if nothing is."""
    if entry.number != number:
        return f"entry {number} is missing: entry {entry.number} follows"
    if digest(entry.text) != entry.hash:
        return f"entry {number} was changed: its hash does not match its text"
    try:
        members = members_of(entry)
    except ValueError as error:
        return f"entry {number} cannot be read: {error}"
    if members.get("number") != number:
        return f"entry {number} says that it is entry {members.get('number')}"
    if members.get("previous") != previous:
        return f"entry {number} does not follow the entry before it: that one was changed or replaced"
    return None
