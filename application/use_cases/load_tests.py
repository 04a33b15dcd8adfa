"""Start, show and stop load tests. Each server process runs one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from application.serving.ledger import Clock
from application.serving.serve import Serving
from application.use_cases.load_test import LoadTest
from domain.access import may_use
from domain.catalog import Catalog
from domain.documents.load_test import read_plan
from domain.errors import InvalidRequestError, UnknownRouteError
from domain.load_test import LoadPlan
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Caller, Project
from domain.vendors import ModelType

OWN_PROJECT = Project(id="load-test", name="load test")
"""The project that pays where a plan names none."""
_REPORT_SECONDS = 1.0


class LoadTestStates(Protocol):
    """States of the tests of all processes of a server."""

    def keep(self, state: dict[str, Any]) -> None:
        """Replace the state of a test."""

    def find(self, test_id: str) -> dict[str, Any] | None:
        """Return the latest state of a test; None if it is unknown."""

    def latest(self, most: int) -> Sequence[dict[str, Any]]:
        """Return the states of the latest tests, the newest first."""

    def request_stop(self, test_id: str) -> None:
        """Ask the process that runs a test to stop it."""

    def stop_requested(self, test_id: str) -> bool:
        """Return whether somebody asked for that."""


class LoadTests:
    """The tests of this process.

    Args:
        serving: serves the calls.
        clock: time.
        states: shared with the other processes.
        new_id: makes an id.
    """

    def __init__(self, serving: Serving, clock: Clock, states: LoadTestStates, new_id: Callable[[], str]) -> None:
        self._serving = serving
        self._clock = clock
        self._states = states
        self._new_id = new_id
        self._task: asyncio.Task[None] | None = None

    def start(self, body: object) -> dict[str, Any]:
        """Start a test and return its state.

        Raises:
            InvalidRequestError: the plan has a fault, the cost is not bounded, or a test runs already.
        """
        if self._task is not None and not self._task.done():
            raise InvalidRequestError("This process runs a load test already; stop it, or wait for its end.")
        plan, faults = read_plan(body)
        if plan is None:
            raise InvalidRequestError(f"{faults[0]}.", param=faults[0].field or None)
        catalog = self._serving.view.catalog
        project = _project_of(plan, catalog)
        models, documents = _models_of(plan, catalog, project.id)
        currency = _currency_of(plan, documents)
        caller = Caller(project, key_id="")
        test = LoadTest(self._new_id(), plan, models, currency, self._serving, caller, self._clock)
        self._states.keep(test.state())
        self._task = asyncio.create_task(self._run(test), name="load test")
        return test.state()

    def state(self, test_id: str) -> dict[str, Any]:
        """Return the state of a test of any process of this server.

        Raises:
            UnknownRouteError: there is none.
        """
        found = self._states.find(test_id)
        if found is None:
            raise UnknownRouteError(f"Unknown load test '{test_id}'.")
        return found

    def latest(self, most: int) -> Sequence[dict[str, Any]]:
        """Return the states of the latest tests of this server, the newest first."""
        return self._states.latest(most)

    def stop(self, test_id: str) -> dict[str, Any]:
        """Stop a test and return its state so far.

        Raises:
            UnknownRouteError: there is none.
        """
        found = self.state(test_id)
        self._states.request_stop(test_id)
        return found

    async def close(self) -> None:
        """Stop the test of this process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, test: LoadTest) -> None:
        running = asyncio.create_task(test.run(lambda: self._states.stop_requested(test.test_id)))
        try:
            while not running.done():
                await asyncio.wait([running], timeout=_REPORT_SECONDS)
                self._states.keep(test.state())
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._states.keep(test.state())


def _project_of(plan: LoadPlan, catalog: Catalog) -> Project:
    if plan.project is None:
        return catalog.projects.get(OWN_PROJECT.id, OWN_PROJECT)
    project = catalog.projects.get(plan.project)
    if project is None:
        raise InvalidRequestError(f"Unknown project '{plan.project}'.", param="project")
    return project


def _models_of(plan: LoadPlan, catalog: Catalog, project: str) -> tuple[Sequence[str], Sequence[ModelDocument]]:
    """Return what is called in turn, and every deployment that this may reach."""
    names = list(plan.models)
    for provider in plan.providers:
        found = [
            document.id
            for document in catalog.by_id.values()
            if document.provider.casefold() == provider.casefold()
            and document.offers(Endpoint.CHAT_COMPLETIONS)
            and may_use(project, document)
        ]
        if not found:
            message = f"Project '{project}' may use no deployment of '{provider}' that offers chat completions."
            raise InvalidRequestError(message, param="providers")
        names += found
    documents: list[ModelDocument] = []
    for name in names:
        chat = [each for each in catalog.deployments(name, project) if each.offers(Endpoint.CHAT_COMPLETIONS)]
        if not chat:
            message = f"Project '{project}' may use no model '{name}' that offers chat completions."
            raise InvalidRequestError(message, param="models")
        documents += chat
    return tuple(dict.fromkeys(names)), documents


def _currency_of(plan: LoadPlan, documents: Sequence[ModelDocument]) -> str:
    """Check that the cost is bounded, and return its currency."""
    currencies = sorted({document.prices.currency for document in documents})
    if len(currencies) > 1:
        message = f"The models are priced in several currencies ({', '.join(currencies)}): test them one by one."
        raise InvalidRequestError(message, param="models")
    real = [document for document in documents if document.model_type is not ModelType.SIMULATOR]
    if real and plan.max_cost_units is None:
        message = f"'max_cost' is missing: the most that the test may cost, in {currencies[0]}."
        raise InvalidRequestError(message, param="max_cost")
    for document in real:
        if document.prices["input"] is None or document.prices["output"] is None:
            message = f"The document '{document.id}' has no price of input or output tokens: 'max_cost' cannot be kept."
            raise InvalidRequestError(message, param="models", code="cost_not_bounded")
    return currencies[0]
