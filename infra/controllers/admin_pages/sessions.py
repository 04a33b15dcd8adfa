"""Sessions of administrators: a sealed cookie that every worker process can read, which expires and can be ended."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

from infra.clients.sealing import AesSiv
from infra.controllers.admin_pages.session_records import SessionRecords

COOKIE = "llmproxy_admin"
ABSOLUTE_MS = 12 * 3_600_000
"""A session ends this long after the sign-in, whatever happens."""
IDLE_MS = 30 * 60_000
"""A session ends this long after its last request."""
_RENEW_MS = 60_000
_CONTEXT = b"llmproxy admin session"
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Session:
    """Content of the cookie of a signed-in administrator. Times are milliseconds since 1970-01-01 UTC.

    Args:
        id: unguessable.
        administrator: the name.
        credential: what they presented at the sign-in. A session ends when it is not accepted any more.
        begun_ms: when they signed in.
        seen_ms: when they were last seen, to about a minute.
    """

    id: str
    administrator: str
    credential: str = field(repr=False)
    begun_ms: int
    seen_ms: int

    @property
    def token(self) -> str:
        """The token that forms of this session carry, so that no other site can send them."""
        return hmac.new(self.id.encode(), b"llmproxy admin form", hashlib.sha256).hexdigest()


class Sessions:
    """Begins, reads, renews and ends sessions.

    Args:
        key: seals cookies, the same for every worker process.
        records: ended sessions.
        now_ms: returns milliseconds since 1970-01-01 UTC.
    """

    def __init__(self, key: bytes, records: SessionRecords, now_ms: Callable[[], int]) -> None:
        self._sealer = AesSiv(key)
        self.records = records
        self.now_ms = now_ms

    def begin(self, administrator: str, credential: str) -> Session:
        """Return a new session."""
        now = self.now_ms()
        return Session(secrets.token_urlsafe(24), administrator, credential, now, now)

    def sealed(self, session: Session) -> str:
        """Return the value of the cookie."""
        return urlsafe_b64encode(self._sealer.seal(json.dumps(asdict(session)).encode(), _CONTEXT)).decode()

    async def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None if it is missing, forged, expired or ended.

        Raises:
            StoreUnavailableError: ended sessions cannot be read.
        """
        session = self._unsealed(cookie or "")
        now = self.now_ms()
        if session is None or now - session.begun_ms > ABSOLUTE_MS or now - session.seen_ms > IDLE_MS:
            return None
        ended = await self.records.has_ended(session.id, session.administrator, session.begun_ms)
        return None if ended else session

    def renewed(self, session: Session) -> Session | None:
        """Return the session with the present as the time of its last request; None while that changes little."""
        now = self.now_ms()
        return replace(session, seen_ms=now) if now - session.seen_ms > _RENEW_MS else None

    async def end(self, session: Session, *, everywhere: bool) -> None:
        """End a session, or every session of its administrator.

        Raises:
            StoreUnavailableError: it cannot be recorded.
        """
        now = self.now_ms()
        await self.records.end(session.id, session.begun_ms + ABSOLUTE_MS, now)
        if everywhere:
            await self.records.end_all(session.administrator, now)

    def _unsealed(self, cookie: str) -> Session | None:
        if not cookie or len(cookie) > _LONGEST:
            return None
        try:
            sealed = urlsafe_b64decode(cookie.encode("ascii"))
            text = self._sealer.unseal(sealed, _CONTEXT) if urlsafe_b64encode(sealed).decode() == cookie else None
            return None if text is None else Session(**json.loads(text))
        except (ValueError, TypeError):
            return None
