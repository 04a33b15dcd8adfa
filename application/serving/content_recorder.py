"""Recording of the content of calls, of projects that ask for it. Others pass by after one comparison."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from application.errors import StoreUnavailableError
from application.ports.content_log import ContentLog, ContentRecord
from application.serving.ledger import Ledger
from domain.call import Call
from domain.content_policy import ContentLevel, ContentPolicy, redacted
from domain.form import Form
from domain.ledger import LedgerLine

logger = logging.getLogger(__name__)

LARGEST = 512 * 1024
"""Bytes that are kept of a request and of a response. Cosmos DB takes documents of 2 MB."""
_MOST_WAITING = 64 * 1024 * 1024
"""Bytes that wait for the store; beyond it records are dropped."""
_BATCH = 100
_INTERVAL = 1.0
_EXPIRY_INTERVAL = 3600.0
_FACTS = (
    *("request_id", "key_id", "operation", "code", "document_id", "provider", "upstream_model", "status", "error"),
    *("attempts", "streamed", "latency_ms", "first_byte_ms", "currency"),
)

Transform = Callable[[bytes], bytes]


class ContentRecorder:
    """Takes records from calls, and writes them to the store in the background.

    Args:
        log: the store.
        time: returns POSIX seconds.
    """

    def __init__(self, log: ContentLog, time: Callable[[], float]) -> None:
        self._log = log
        self._time = time
        self._waiting: deque[_Recorded] = deque()
        self._bytes = 0
        self.dropped = 0
        """Number of records that were dropped, because the store did not take them for too long."""

    def open(self, ledger: Ledger, call: Call, policy: ContentPolicy) -> tuple[Ledger, Callable[..., Transform]]:
        """Begin to record a call.

        Returns:
            A ledger for its account, which records the content when it records the line; and a function that adds the
            recording to the transform of its answer, or None.
        """
        answer = bytearray()
        size = 0
        # Files of a form are closed at the end of the request.
        request = call if call.form is None or policy.level is not ContentLevel.FULL else _fields(call.form)

        def record(line: LedgerLine) -> None:
            ledger.record(line)
            self._add(_Recorded(line, request, policy, bytes(answer), size))

        def recording(transform: Transform | None) -> Transform:
            def keep(block: bytes) -> bytes:
                nonlocal size
                if transform is not None:
                    block = transform(block)
                size += len(block)
                if len(answer) < LARGEST:
                    answer.extend(block[: LARGEST - len(answer)])
                return block

            return keep

        return replace(ledger, record=record), recording

    def _add(self, recorded: _Recorded) -> None:
        if self._bytes + recorded.memory > _MOST_WAITING:
            self.dropped += 1
            return
        self._bytes += recorded.memory
        self._waiting.append(recorded)

    async def run(self) -> None:
        """Write what is recorded, and remove what expires, again and again."""
        expired_at = 0.0
        while True:
            await asyncio.sleep(_INTERVAL)
            try:
                await self._write()
                now = self._time()
                if now - expired_at > _EXPIRY_INTERVAL:
                    await self._log.expire(int(now * 1000))
                    expired_at = now
            except StoreUnavailableError as error:
                logger.warning("the content log is unavailable", extra={"reason": str(error)})

    async def close(self) -> None:
        """Write what waits, as far as the store accepts it now."""
        try:
            await self._write()
        except StoreUnavailableError:
            self.dropped += len(self._waiting)
            logger.warning("the content log is unavailable: records are lost", extra={"records": len(self._waiting)})

    async def _write(self) -> None:
        while self._waiting:
            batch = [self._waiting[number] for number in range(min(_BATCH, len(self._waiting)))]
            # Patterns take a while: not on the event loop.
            await self._log.add(await asyncio.to_thread(lambda: [recorded.record() for recorded in batch]))  # noqa: B023 - awaited
            for recorded in batch:
                self._waiting.popleft()
                self._bytes -= recorded.memory


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A call that is over, as it was recorded.

    Args:
        line: its ledger line.
        request: the call, or the fields of its form.
        policy: of its project.
        answer: the beginning of what the caller received.
        size: bytes of all of it.
    """

    line: LedgerLine
    request: Call | str
    policy: ContentPolicy
    answer: bytes
    size: int

    @property
    def memory(self) -> int:
        request = self.request
        own = len(request) if isinstance(request, str) else sum(len(raw) for raw in request.fields.values())
        return own + len(self.answer) + 1024

    def record(self) -> ContentRecord:
        line, policy = self.line, self.policy
        usage = {name: used for name, used in asdict(line.usage).items() if used}
        facts = {name: getattr(line, name) for name in _FACTS}
        record = ContentRecord(
            id=line.id,
            time_ms=line.time_ms,
            project=line.project,
            end_user=line.end_user,
            retention_days=policy.retention_days,
            call={**facts, "usage": usage, "cost_units": str(line.cost_units)},
        )
        if policy.level is not ContentLevel.FULL:
            return record
        request = self.request if isinstance(self.request, str) else _body(self.request)
        return replace(
            record,
            request=redacted(request[:LARGEST], policy.redact),
            response=redacted(_text(self.answer, self.size), policy.redact),
            truncated=len(request) > LARGEST or self.size > LARGEST,
        )


def _fields(form: Form) -> str:
    """Return the fields of a form as JSON, of files only the names."""
    fields = [
        {"name": part.name, "value": part.text}
        if part.filename is None
        else {"name": part.name, "filename": part.filename, "bytes": part.content.size}
        for part in form.parts
    ]
    return json.dumps(fields, ensure_ascii=False)


def _body(call: Call) -> str:
    members = (f"{json.dumps(name)}:{str(bytes(raw), 'utf-8', 'replace')}" for name, raw in call.fields.items())
    return f"{{{','.join(members)}}}"


def _text(answer: bytes, size: int) -> str:
    try:
        return answer.decode()
    except UnicodeDecodeError as error:
        cut_character = size > len(answer) and error.start >= len(answer) - 4
        return answer[: error.start].decode() if cut_character else f"({size} bytes that are not text)"
