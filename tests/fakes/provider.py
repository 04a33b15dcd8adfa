"""A provider whose behaviour a test scripts, document by document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from application.ports.providers import Answer, StoredCall
from domain.attempt import Attempt
from domain.call import Call
from domain.model import ModelDocument
from domain.usage import Usage

DONE = b"data: [DONE]\n\n"


class FakeStream:
    """Yields blocks; a block may be an exception to raise or a coroutine function to await."""

    content_type = b"text/event-stream"

    def __init__(
        self, *blocks: bytes | Exception | Callable[[], Awaitable[None]], usage: Usage | None = None, tokens: int = 0
    ) -> None:
        self.usage: Usage | None = None
        self.closed = False
        self.ended = False
        self._blocks = blocks
        self._usage_at_end = usage
        self._tokens = tokens

    def output_so_far(self) -> int:
        return self._tokens

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self._blocks:
            if isinstance(block, Exception):
                raise block
            if isinstance(block, bytes):
                if block.endswith(DONE):
                    self.ended = True
                    self.usage = self._usage_at_end
                yield block
            else:
                await block()

    async def aclose(self) -> None:
        self.closed = True


class FakeProvider:
    """Answers by document id: an ``Answer``, a ``FakeStream``, an exception, or a coroutine function to await."""

    def __init__(self, **by_id: object) -> None:
        self._by_id = by_id
        self.called: list[str] = []
        self.calls: list[Call] = []
        self.stored_calls: list[StoredCall] = []

    async def _reach(self, document: ModelDocument) -> object:
        self.called.append(document.id)
        behaviour = self._by_id[document.id]
        if isinstance(behaviour, Exception):
            raise behaviour
        if callable(behaviour):
            return await behaviour()
        return behaviour

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:  # noqa: ARG002
        self.calls.append(call)
        found = await self._reach(document)
        assert isinstance(found, Answer), call
        return found

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        self.stored_calls.append(call)
        found = await self._reach(document)
        assert isinstance(found, Answer), call
        return found

    async def resume(self, call: StoredCall, document: ModelDocument) -> FakeStream:
        self.stored_calls.append(call)
        found = await self._reach(document)
        assert isinstance(found, FakeStream), call
        return found

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> FakeStream:  # noqa: ARG002
        self.calls.append(call)
        found = await self._reach(document)
        assert isinstance(found, FakeStream), call
        return found

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:  # noqa: ARG002
        await self._reach(document)
        return True

    def upstream_model(self, document: ModelDocument) -> str:
        return f"upstream-{document.code}"

    def unusable_because(self, document: ModelDocument) -> str | None:
        return None if document.id in self._by_id else "not scripted"
