"""Secrets of several sources, read again in the background when they may have changed."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from application.ports.secrets import Secrets, SecretVersion
from domain.reserved_env_vars import is_own_setting

logger = logging.getLogger(__name__)

_PAUSE = 5.0
"""Seconds between two refreshes of a source at least, whatever asks for them."""
_MOST_MISSED = 10_000


class SecretSources:
    """Looks secrets up in one source after the other. The proxy's own settings are never found.

    Args:
        sources: in the order in which they are asked.
    """

    def __init__(self, sources: Sequence[Secrets]) -> None:
        self._sources = sources
        self._missed: set[str] = set()
        self._wakes = [asyncio.Event() for _ in sources]

    def __call__(self, name: str) -> str | None:
        """Return a secret by the name that a document has for it; None if no source has it."""
        if is_own_setting(name):
            return None
        for source in self._sources:
            value = source.get(name)
            if value is not None:
                return value
        if name not in self._missed and len(self._missed) < _MOST_MISSED:
            self._missed.add(name)
            self.wake()
        return None

    def wake(self) -> None:
        """Read the secrets again now: an upstream refused one, or one is missing."""
        for wake in self._wakes:
            wake.set()

    def versions(self) -> list[SecretVersion]:
        """Return the secrets of sources that change, by name."""
        return sorted((each for source in self._sources for each in source.versions()), key=lambda each: each.name)

    def failures(self) -> list[str]:
        """Return why sources are unavailable."""
        return [source.failure for source in self._sources if source.failure is not None]

    async def settle(self, seconds: float) -> bool:
        """Read what was asked for until now, for so many seconds at most; return whether a secret changed."""
        changed = False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for source in self._sources:
                    changed |= await source.refresh()
        return changed

    async def follow(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Refresh forever, and report changes."""
        following = zip(self._sources, self._wakes, strict=True)
        await asyncio.gather(
            *(_follow(source, wake, changed) for source, wake in following if math.isfinite(source.interval))
        )

    async def close(self) -> None:
        """Close the sources. Safe to repeat."""
        for source in self._sources:
            await source.close()


async def _follow(source: Secrets, wake: asyncio.Event, changed: Callable[[], Awaitable[None]]) -> None:
    failing = False
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(source.interval):
                await wake.wait()
        wake.clear()
        try:
            if await source.refresh():
                logger.info("secrets changed")
                await changed()
        except Exception as error:  # noqa: BLE001 - this task must outlive any fault
            logger.error("secrets could not be read again", extra={"reason": type(error).__name__})  # noqa: TRY400 - a traceback may quote a secret
        if (source.failure is not None) is not failing:
            failing = not failing
            if failing:
                logger.warning("secrets are unavailable; the last ones stay", extra={"reason": source.failure})
            else:
                logger.info("secrets are available again")
        await asyncio.sleep(min(_PAUSE, source.interval))
