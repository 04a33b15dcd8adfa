"""The number of calls that a process serves at a time, and the callers that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from domain.errors import OverloadedError
from infra.clients.wait_queue import WaitQueue

_RETRY_AFTER = 1.0


class CallSlots:
    """A bounded number of calls. Beyond it callers wait, and their projects take turns; beyond that they are refused.

    Args:
        calls: maximum number at a time. One project may have nine tenths of it, so that others need not wait.
        waiting: maximum number of waiting callers, half of them of one project.
        seconds: longest time to wait.
    """

    def __init__(self, calls: int, waiting: int, seconds: float) -> None:
        self._calls = calls
        self._share = calls - calls // 10
        self._seconds = seconds
        self._queue: WaitQueue[None] = WaitQueue(waiting)
        self._by_project: dict[str, int] = {}
        self._under_way = 0

    def facts(self) -> Mapping[str, object]:
        """Collect the counters for the health page."""
        return {
            "under_way": self._under_way,
            "limit": self._calls,
            "waiting": self._queue.length,
            "refused": self._queue.refused,
        }

    def enter(self, project: str) -> bool:
        """Begin a call if there is a slot for it; ``leave`` must then be called. If not, ``wait``."""
        held = self._by_project.get(project, 0)
        if self._under_way >= self._calls or held >= self._share:
            return False
        self._under_way += 1
        self._by_project[project] = held + 1
        return True

    @asynccontextmanager
    async def held(self, project: str) -> AsyncIterator[None]:
        """Hold a slot until the block ends, for calls that are rare; raises what ``wait`` raises."""
        if not self.enter(project):
            await self.wait(project)
        try:
            yield
        finally:
            self.leave(project)

    async def wait(self, project: str) -> None:
        """Begin a call as soon as it is its turn; ``leave`` must then be called.

        Raises:
            OverloadedError: too many callers wait, or this one waited too long.
        """
        turn = self._queue.join(project)
        if turn is None:
            raise OverloadedError("The server is overloaded; try again later.", retry_after=_RETRY_AFTER)
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # served and cancelled at the same moment
                self.leave(project)
            if isinstance(error, TimeoutError):
                self._queue.refused += 1
                message = "The server is overloaded: the call did not get its turn in time."
                raise OverloadedError(message, retry_after=_RETRY_AFTER) from None
            raise
        finally:
            self._queue.leave(project, turn)

    def leave(self, project: str) -> None:
        """End a call; the next one begins."""
        self._under_way -= 1
        held = self._by_project[project] - 1
        if held:
            self._by_project[project] = held
        else:
            del self._by_project[project]
        if self._queue.length:
            self._admit_next()

    def _admit_next(self) -> None:
        if self._under_way >= self._calls:
            return
        chosen = self._queue.next(lambda project: self._by_project.get(project, 0) < self._share)
        if chosen is not None:
            project, turn = chosen
            self._under_way += 1
            self._by_project[project] = self._by_project.get(project, 0) + 1
            turn.set_result(None)
