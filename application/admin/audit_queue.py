"""Audit entries of a running server: requests add them without waiting, and they are written one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from application.errors import ConflictError, StoreUnavailableError
from application.ports.audit_log import AuditLog
from domain.audit import AuditEvent, Outcome

logger = logging.getLogger("llmproxy.audit")

_MOST_WAITING = 1000
_RETRY_SECONDS = 5.0
_REFUSALS = 60
"""Refusals written in a minute; anyone may send requests with a wrong key."""
_MINUTE_MS = 60_000


class AuditQueue:
    """A queue in front of the audit log. Every event is logged at once, too.

    Args:
        log: the audit log.
        now_ms: returns milliseconds since 1970-01-01 UTC.
    """

    def __init__(self, log: AuditLog, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._now_ms = now_ms
        self._waiting: deque[AuditEvent] = deque()
        self._added = asyncio.Event()
        self._minute = 0
        self._refusals: set[tuple[str, str, str]] = set()

    def changed(self, actor: str, origin: str, action: str, subject: str, changes: Sequence[dict[str, object]]) -> None:
        """Record a change that an administrator made by a request.

        Args:
            actor: the administrator.
            origin: address of the client.
            action: method and path.
            subject: what was changed.
            changes: the fields.
        """
        self._add(AuditEvent(self._now_ms(), actor, origin, action, subject, Outcome.CHANGED, changes))

    def refused(self, actor: str, origin: str, action: str, reason: str) -> None:
        """Record that a request was refused because it lacked an administrator's key, or its role the permission.

        Refusals of the same administrator, client and action within a minute are one entry; a minute has 60 at most.
        """
        now_ms = self._now_ms()
        if now_ms // _MINUTE_MS != self._minute:
            self._minute, self._refusals = now_ms // _MINUTE_MS, set()
        if (actor, origin, action) in self._refusals or len(self._refusals) >= _REFUSALS:
            return
        self._refusals.add((actor, origin, action))
        self._add(AuditEvent(now_ms, actor, origin, action, "server", Outcome.REFUSED, (), reason))

    def _add(self, event: AuditEvent) -> None:
        logger.warning(
            "an administrator's request was %s",
            event.outcome.value,
            extra={"action": event.action, "subject": event.subject, "client": event.origin},
        )
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(event)
            self._added.set()
        else:
            logger.error("the audit log is unavailable for too long: an entry is lost", extra={"action": event.action})

    async def write(self) -> None:
        """Write what is added, again and again."""
        while True:
            await self._added.wait()
            self._added.clear()
            while self._waiting:
                try:
                    await self._log.append(self._waiting[0])
                except (StoreUnavailableError, ConflictError) as error:
                    logger.warning("the audit log is unavailable", extra={"reason": str(error)})
                    await asyncio.sleep(_RETRY_SECONDS)
                else:
                    self._waiting.popleft()

    async def close(self) -> None:
        """Write what waits, as far as the log accepts it now."""
        try:
            while self._waiting:
                await self._log.append(self._waiting[0])
                self._waiting.popleft()
        except (StoreUnavailableError, ConflictError):
            logger.error("the audit log is unavailable: entries are lost", extra={"entries": len(self._waiting)})  # noqa: TRY400 - the reason was logged
