"""Contract of the port ``audit_log``, run against each adapter."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from application.admin.audit_reading import verify
from application.errors import StoreUnavailableError
from application.ports.audit_log import AuditLog
from domain.audit import START, AuditEntry, AuditEvent, Outcome, digest, entry_after, fault_of, members_of
from infra.audit_log.cosmos import CosmosAuditLog
from infra.audit_log.memory import MemoryAuditLog
from infra.audit_log.sqlite import SqliteAuditLog
from infra.clients.cosmos import CosmosDatabase
from tests.fakes.cosmos_server import cosmos_account

ADAPTERS: dict[str, Callable[[Path], AuditLog]] = {
    "sqlite": lambda folder: SqliteAuditLog(folder / "audit.sqlite3"),
    "memory": lambda _: MemoryAuditLog(),
}


@pytest_asyncio.fixture(params=[*ADAPTERS, "cosmos"])
async def logs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[AuditLog]]:
    """Two processes' views of the same log; in memory there is only one."""
    made: list[AuditLog]
    if request.param == "cosmos":
        account = cosmos_account(request.getfixturevalue("cosmos_port"))
        made = [CosmosAuditLog(CosmosDatabase(account)) for _ in range(2)]
    elif request.param == "memory":
        made = [MemoryAuditLog()] * 2
    else:
        made = [ADAPTERS[request.param](tmp_path) for _ in range(2)]
    for log in made:
        await log.prepare()
    yield made
    for log in made:
        await log.close()


def event(subject: str = "model ü/'?") -> AuditEvent:
    """Return an event in which no field has its default."""
    changes: list[dict[str, object]] = [{"field": "costs.input", "old": 2, "new": "2.50"}, {"field": "code"}]
    who = ("alice@laptop", "cli laptop", "catalog apply")
    return AuditEvent(1_795_262_400_123, *who, subject, Outcome.CHANGED, changes, "a\nreason")


async def test_an_empty_log_has_no_last_entry(logs: list[AuditLog]) -> None:
    assert await logs[0].last() is None
    assert list(await logs[0].read()) == []


async def test_every_field_comes_back_and_entries_are_linked(logs: list[AuditLog]) -> None:
    first = await logs[0].append(event())
    second = await logs[1].append(event("project billing"))
    assert [first, second] == list(await logs[0].read())
    assert await logs[0].last() == second
    assert [entry.number for entry in await logs[1].read(after=1)] == [2]
    assert [entry.number for entry in await logs[1].read(limit=1)] == [1]
    members = members_of(first)
    assert members["previous"] == START
    assert members_of(second)["previous"] == first.hash
    assert {name: members[name] for name in ("number", "at_ms", "actor", "origin", "action", "subject", "outcome")} == {
        "number": 1,
        "at_ms": 1_795_262_400_123,
        "actor": "alice@laptop",
        "origin": "cli laptop",
        "action": "catalog apply",
        "subject": "model ü/'?",
        "outcome": "changed",
    }
    assert members["changes"] == [dict(change) for change in event().changes]
    assert members["reason"] == "a\nreason"


async def test_entries_of_two_processes_at_once_make_one_chain(logs: list[AuditLog]) -> None:
    await asyncio.gather(*(log.append(event(f"model {number}")) for number in range(8) for log in logs))
    entries = list(await logs[0].read())
    assert [entry.number for entry in entries] == list(range(1, 17))
    found = await verify(logs[1], contains=entries[4].hash)
    assert (found.entries, found.head, found.fault, found.contains) == (16, entries[-1].hash, None, True)
    assert (await verify(logs[1], contains="f" * 64)).contains is False


async def test_sqlite_refuses_to_change_or_remove_an_entry(tmp_path: Path) -> None:
    log = SqliteAuditLog(tmp_path / "audit.sqlite3")
    await log.prepare()
    await log.append(event())
    with sqlite3.connect(tmp_path / "audit.sqlite3") as connection:
        for statement in (
            "UPDATE entries SET text = '{}'",
            "DELETE FROM entries",
            "INSERT INTO entries VALUES (1, '', '')",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(statement)
    assert (await verify(log)).entries == 1
    (tmp_path / "audit.sqlite3").unlink()
    for method in (lambda: log.append(event()), log.read, log.last):
        with pytest.raises(StoreUnavailableError):
            await method()
    await log.close()


async def test_cosmos_is_away_when_nobody_listens() -> None:
    log = CosmosAuditLog(CosmosDatabase(cosmos_account(1, deadline=1.0)))
    for method in (lambda: log.append(event()), log.read, log.last, log.open):
        with pytest.raises(StoreUnavailableError):
            await method()
    await log.close()


def chain() -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number in range(5):
        entries.append(entry_after(number, entries[-1].hash if entries else START, event(f"model {number}")))
    return entries


def forged(entry: AuditEntry) -> AuditEntry:
    """Return the entry with another actor, and the hash that belongs to it."""
    text = entry.text.replace("alice", "mallory")
    return AuditEntry(entry.number, text, digest(text))


@pytest.mark.parametrize(
    ("tampered", "fault"),
    [
        (lambda e: [*e[:2], AuditEntry(3, e[2].text.replace("alice", "bob"), e[2].hash), *e[3:]], "3 was changed"),
        (lambda e: [*e[:2], forged(e[2]), *e[3:]], "4 does not follow"),
        (lambda e: [*e[:2], *e[3:]], "3 is missing"),
        (lambda e: e[1:], "1 is missing"),
        (lambda e: [e[0], *e[:1], *e[2:]], "2 is missing"),
        (lambda e: [*e[:1], AuditEntry(2, e[3].text, e[3].hash), *e[2:]], "2 says that it is entry 4"),
        (
            lambda e: [*e[:1], AuditEntry(2, "[]", "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945")],
            "2",
        ),
    ],
)
def test_whatever_is_tampered_with_is_found(
    tampered: Callable[[list[AuditEntry]], list[AuditEntry]], fault: str
) -> None:
    def first_fault(entries: list[AuditEntry]) -> str | None:
        previous = START
        for number, entry in enumerate(entries, 1):
            found = fault_of(entry, number, previous)
            if found is not None:
                return found
            previous = entry.hash
        return None

    assert first_fault(chain()) is None
    assert f"entry {fault}" in str(first_fault(tampered(chain())))
