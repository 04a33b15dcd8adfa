"""Sessions end: after some time, without use, by signing out here or everywhere; forged ones never begin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.controllers.admin_pages.session_records import MOST_FAILURES, WINDOW_MS, SessionRecords
from infra.controllers.admin_pages.sessions import ABSOLUTE_MS, IDLE_MS, Sessions

KEY = b"k" * 32


class Times:
    """A clock that tests move."""

    now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[SessionRecords]:
    made = SessionRecords(tmp_path / "sessions.sqlite3")
    await made.open()
    yield made
    await made.close()


async def test_a_session_ends_without_use_and_after_half_a_day(records: SessionRecords) -> None:
    times = Times()
    sessions = Sessions(KEY, records, times)
    session = sessions.begin("alice", "sk-key")
    assert await sessions.read(sessions.sealed(session)) == session
    assert sessions.renewed(session) is None
    begun = times.now
    while times.now - begun + IDLE_MS <= ABSOLUTE_MS:
        times.now += IDLE_MS
        assert await sessions.read(sessions.sealed(session)) == session
        renewed = sessions.renewed(session)
        assert renewed is not None
        session = renewed
    times.now = begun + ABSOLUTE_MS + 1
    assert await sessions.read(sessions.sealed(replace(session, seen_ms=times.now))) is None
    idle = sessions.begin("alice", "sk-key")
    times.now += IDLE_MS + 1
    assert await sessions.read(sessions.sealed(idle)) is None


async def test_the_cookie_hides_the_credential_and_cannot_be_changed(records: SessionRecords) -> None:
    sessions = Sessions(KEY, records, Times())
    cookie = sessions.sealed(sessions.begin("alice", "sk-secret-credential"))
    assert "secret" not in cookie
    assert "sk-secret-credential" not in repr(sessions.begin("alice", "sk-secret-credential"))
    other = Sessions(b"o" * 32, records, Times())
    assert await other.read(cookie) is None
    for place in range(0, len(cookie), 7):
        changed = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert await sessions.read(changed) is None
    for wrong in (None, "", "=", "e30=", cookie * 2, "\u00ff", "A" * 10_000):
        assert await sessions.read(wrong) is None


async def test_signing_out_ends_one_session_or_all(records: SessionRecords) -> None:
    times = Times()
    sessions = Sessions(KEY, records, times)
    one, two, bob = (sessions.begin(name, "k") for name in ("alice", "alice", "bob"))
    await sessions.end(one, everywhere=False)
    assert await sessions.read(sessions.sealed(one)) is None
    assert await sessions.read(sessions.sealed(two)) == two
    await sessions.end(one, everywhere=True)
    assert await sessions.read(sessions.sealed(two)) is None
    assert await sessions.read(sessions.sealed(bob)) == bob
    times.now += 1
    later = sessions.begin("alice", "k")
    assert await sessions.read(sessions.sealed(later)) == later


async def test_failures_of_an_address_count_for_a_while(records: SessionRecords) -> None:
    now = 1_700_000_000_000
    for left in range(MOST_FAILURES, 0, -1):
        assert await records.tries_left("10.0.0.1", now) == left
        await records.failed("10.0.0.1", now)
    assert await records.tries_left("10.0.0.1", now) == 0
    assert await records.tries_left("10.0.0.2", now) == MOST_FAILURES
    assert await records.tries_left("10.0.0.1", now + WINDOW_MS) == MOST_FAILURES
    for number in range(300):
        await records.failed(f"10.1.0.{number}", now)
    assert await records.tries_left("10.9.9.9", now) == 0
