"""``/api/chaos``: starts, stops and shows experiments with injected faults. Administrators only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Body, Depends, Request

from application.serving.chaos import Chaos
from domain.errors import UnavailableError
from infra.controllers.admin_access import AdminAccess


class Others(Protocol):
    """The other worker processes of this server."""

    def tell(self, body: dict[str, Any] | None) -> None:
        """Pass on what was started; None ends it.

        Raises:
            OSError: it failed.
        """

    def injected(self) -> Iterable[Sequence[int]]:
        """Return how often each of them has injected each fault of the experiment."""


def chaos_router(chaos: Chaos, others: Others, access: AdminAccess) -> APIRouter:
    """Build the routes.

    Args:
        chaos: the experiment of this process.
        others: the other worker processes.
        access: who may use them.
    """
    router = APIRouter(tags=["operations"], prefix="/api/chaos", dependencies=[Depends(access.check)])

    def tell(body: dict[str, Any] | None) -> None:
        try:
            others.tell(body)
        except OSError as error:
            raise UnavailableError(f"The experiment cannot be shared: {error.strerror}.", retry_after=1) from None

    @router.get("", summary="The present or the last experiment, and the faults it has injected")
    async def get_chaos() -> dict[str, Any]:
        return chaos.state(others.injected())

    @router.post("/start", summary="Inject faults for a time")
    async def post_start(request: Request, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        experiment = chaos.start(body)
        tell(body)
        change: dict[str, object] = {"field": "faults", "old": None, "new": chaos.state()["faults"]}
        access.changed(request, f"chaos {experiment.name}", [change])
        return chaos.state()

    @router.post("/stop", summary="End the experiment")
    async def post_stop(request: Request) -> dict[str, Any]:
        chaos.check_enabled()
        last = {**chaos.state(others.injected()), "running": False}
        stopped = chaos.stop()
        tell(None)
        if stopped:
            access.changed(request, f"chaos {last['experiment_name']}", [])
        return {**last, "stopped": stopped}

    return router
