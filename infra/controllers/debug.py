"""``/debug``: what an operator looks into and changes while the server runs. It needs the administrator's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Body, Depends, Request

from domain.documents.values import closest
from domain.errors import InvalidApiKeyError, InvalidRequestError, UnavailableError
from infra.controllers.headers import key_of


class ChangeableLevels(Protocol):
    """Levels of loggers."""

    def changed(self) -> Mapping[str, str]:
        """Return the changed levels by logger."""

    def known(self) -> Sequence[str]:
        """Return the names of the loggers that can be changed."""

    def change(self, logger: str, level: str | None) -> None:
        """Set the level of a logger; None restores the configured one."""


def debug_router(levels: ChangeableLevels, is_admin: Callable[[str | None], bool]) -> APIRouter:
    """Build the routes.

    Args:
        levels: of the loggers.
        is_admin: decides by the presented key, None if absent.
    """

    def check(request: Request) -> None:
        if not is_admin(key_of(request.scope["headers"])):
            raise InvalidApiKeyError("This path needs the administrator's key.")

    router = APIRouter(tags=["operations"], prefix="/debug", dependencies=[Depends(check)])

    @router.get("/logs", summary="Levels of loggers that were changed since the start")
    def get_levels() -> dict[str, object]:
        return {"levels": levels.changed(), "loggers": levels.known()}

    @router.put("/logs", summary="Set the level of a logger in every process of this server, until it stops")
    def put_level(
        logger: Annotated[str, Body()],
        level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None, Body()],
    ) -> dict[str, object]:
        known = levels.known()
        if logger not in known:
            meant = closest(logger, known)
            hint = f"did you mean {meant!r}?" if meant else "GET /debug/logs lists them."
            raise InvalidRequestError(f"Unknown logger; {hint}", param="logger")
        try:
            levels.change(logger, level)
        except OSError as error:
            raise UnavailableError(f"The levels cannot be shared: {error.strerror}.", retry_after=1) from None
        return {"levels": levels.changed(), "loggers": known}

    return router
