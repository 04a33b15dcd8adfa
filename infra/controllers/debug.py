"""``/debug``: what an operator looks into and changes while the server runs. Administrators only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Body, Depends, Request

from domain.documents.values import closest
from domain.errors import InvalidRequestError, UnavailableError
from infra.controllers.admin_access import AdminAccess


class ChangeableLevels(Protocol):
    """Levels of loggers."""

    def changed(self) -> Mapping[str, str]:
        """Return the changed levels by logger."""

    def known(self) -> Sequence[str]:
        """Return the names of the loggers that can be changed."""

    def change(self, logger: str, level: str | None) -> None:
        """Set the level of a logger; None restores the configured one."""


class Memory(Protocol):
    """Memory of this process."""

    def detail(self, *, types: bool) -> dict[str, object]:
        """Return what it uses."""

    def collect(self) -> dict[str, object]:
        """Release what can be, and return the memory before and after."""


def debug_router(levels: ChangeableLevels, memory: Memory, access: AdminAccess) -> APIRouter:
    """Build the routes.

    Args:
        levels: of the loggers.
        memory: of this process.
        access: who may use them.
    """
    router = APIRouter(tags=["operations"], prefix="/debug", dependencies=[Depends(access.check)])

    @router.get("/logs", summary="Levels of loggers that were changed since the start")
    def get_levels() -> dict[str, object]:
        return {"levels": levels.changed(), "loggers": levels.known()}

    @router.put("/logs", summary="Set the level of a logger in every process of this server, until it stops")
    async def put_level(
        request: Request,
        logger: Annotated[str, Body()],
        level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None, Body()],
    ) -> dict[str, object]:
        known, before = levels.known(), levels.changed()
        if logger not in known:
            meant = closest(logger, known)
            hint = f"did you mean {meant!r}?" if meant else "GET /debug/logs lists them."
            raise InvalidRequestError(f"Unknown logger; {hint}", param="logger")
        try:
            levels.change(logger, level)
        except OSError as error:
            raise UnavailableError(f"The levels cannot be shared: {error.strerror}.", retry_after=1) from None
        change: dict[str, object] = {"field": "level", "old": before.get(logger), "new": level}
        access.changed(request, f"logger {logger}", [change])
        return {"levels": levels.changed(), "loggers": known}

    @router.get("/memory", summary="Memory of the worker process that answers; with ?types=true also its objects")
    def get_memory(*, types: bool = False) -> dict[str, object]:
        return memory.detail(types=types)

    @router.post("/memory/gc", summary="Release caches and collect garbage in the worker process that answers")
    async def post_collection(request: Request) -> dict[str, object]:
        collected = memory.collect()
        access.changed(request, f"process {collected['process']}", [{"field": "memory"}])
        return collected

    return router
