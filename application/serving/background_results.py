"""Results of background responses: fetched by the proxy itself, so that they are charged whether or not anyone asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from domain.errors import GatewayError, ResponseNotFoundError
from domain.project import Caller

logger = logging.getLogger(__name__)

_MOST_FOLLOWED = 10_000
_LONGEST_FOLLOWED = 6 * 3600.0
_LONGEST_PAUSE = 60.0
_FIRST_PAUSE = 1.0

Settle = Callable[[Caller, str, str], Awaitable[bool]]
"""Fetches the response of a caller by its public id, for a request id; returns whether nothing more is to come."""


class BackgroundResults:
    """Follows background responses until they are complete, for six hours at most, in this process.

    Args:
        settle: fetches a response, and charges it if it is complete.
    """

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self._followed: dict[str, asyncio.Task[None]] = {}

    def expect(self, caller: Caller, public_id: str, request_id: str) -> None:
        """Follow a response from now on."""
        if public_id in self._followed:
            return
        if len(self._followed) >= _MOST_FOLLOWED:
            logger.warning("too many background responses", extra={"request_id": request_id})
            return
        task = asyncio.create_task(self._follow(caller, public_id, request_id))
        self._followed[public_id] = task
        task.add_done_callback(lambda _task: self._followed.pop(public_id, None))

    def follows(self, public_id: str) -> bool:
        """Return whether a response is still followed: nothing has been charged for it."""
        return public_id in self._followed

    async def _follow(self, caller: Caller, public_id: str, request_id: str) -> None:
        for pause in _pauses():
            await asyncio.sleep(pause)
            try:
                if await self._settle(caller, public_id, request_id):
                    return
            except ResponseNotFoundError:
                return
            except GatewayError:
                continue  # the upstream may answer the next time
            except Exception as error:  # noqa: BLE001 - a fault of ours ends this one task, and is not lost
                logger.error("background response", extra={"request_id": request_id, "reason": type(error).__name__})  # noqa: TRY400 - a traceback may quote the response
                return


def _pauses() -> Iterator[float]:
    """Yield the seconds between two looks: more and more of them, up to a minute."""
    passed, pause = 0.0, _FIRST_PAUSE
    while passed < _LONGEST_FOLLOWED:
        yield pause
        passed += pause
        pause = min(2 * pause, _LONGEST_PAUSE)
