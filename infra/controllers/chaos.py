"""``/api/chaos``: starts, stops and shows experiments with injected faults. Administrators only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Body, Depends, Request

from application.serving.chaos import Chaos
from domain.errors import UnavailableError
from infra.controllers.admin_access import AdminAccess


class Others(Protocol):
    """The other worker processes of this server."""

    def catch_up(self) -> None:
        """Start and stop here what another of them has started and stopped."""

    def tell(self, body: dict[str, Any] | None) -> None:
        """Pass on what was started; None ends it.

        Raises:
            OSError: it failed.
        """

    def injected(self) -> Iterable[Sequence[int]]:
        """Return how often each of them has injected each fault of the experiment."""


class Experiments:
    """The experiments of this server, whichever of its worker processes serves a request.

    Args:
        chaos: the experiment of this process.
        others: the other worker processes.
    """

    def __init__(self, chaos: Chaos, others: Others) -> None:
        self._chaos = chaos
        self._others = others

    @property
    def enabled(self) -> bool:
        """True if experiments are allowed."""
        return self._chaos.enabled

    def state(self) -> dict[str, Any]:
        """Describe the present or the last experiment."""
        self._others.catch_up()
        return self._chaos.state(self._others.injected())

    def start(self, body: dict[str, Any]) -> dict[str, Any]:
        """Inject faults for a time, and describe the experiment.

        Raises:
            InvalidRequestError: experiments are not allowed, one runs already, or the body has a fault.
            UnavailableError: the other processes cannot be told.
        """
        self._others.catch_up()
        self._chaos.start(body)
        self._tell(body)
        return self._chaos.state()

    def stop(self) -> dict[str, Any]:
        """End the experiment, and describe it; ``stopped`` tells whether it was running.

        Raises:
            InvalidRequestError: experiments are not allowed.
            UnavailableError: the other processes cannot be told.
        """
        self._chaos.check_enabled()
        last = {**self.state(), "running": False}
        stopped = self._chaos.stop()
        self._tell(None)
        return {**last, "stopped": stopped}

    def _tell(self, body: dict[str, Any] | None) -> None:
        try:
            self._others.tell(body)
        except OSError as error:
            raise UnavailableError(f"The experiment cannot be shared: {error.strerror}.", retry_after=1) from None


def faults_changed(state: Mapping[str, Any]) -> list[dict[str, object]]:
    """Return what the audit log says about the start of an experiment."""
    return [{"field": "faults", "old": None, "new": state["faults"]}]


def chaos_router(experiments: Experiments, access: AdminAccess) -> APIRouter:
    """Build the routes.

    Args:
        experiments: of this server.
        access: who may use them.
    """
    router = APIRouter(tags=["operations"], prefix="/api/chaos", dependencies=[Depends(access.check)])

    @router.get("", summary="The present or the last experiment, and the faults it has injected")
    async def get_chaos() -> dict[str, Any]:
        return experiments.state()

    @router.post("/start", summary="Inject faults for a time")
    async def post_start(request: Request, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        state = experiments.start(body)
        access.changed(request, f"chaos {state['experiment_name']}", faults_changed(state))
        return state

    @router.post("/stop", summary="End the experiment")
    async def post_stop(request: Request) -> dict[str, Any]:
        last = experiments.stop()
        if last["stopped"]:
            access.changed(request, f"chaos {last['experiment_name']}", [])
        return last

    return router
