"""Adapter of the simulator: calls its operations in process, without a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from application.ports.providers import Answer, StoredCall
from domain.attempt import Attempt
from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.errors import (
    UpstreamProtocolError,
    UpstreamRefusedError,
)
from domain.model import ModelDocument
from infra.simulator.errors import SimulatedError
from infra.simulator.faults import Faults, read_faults
from infra.simulator.in_process import SimulatedStream, as_gateway_error, pause, refusal_of, stall
from infra.simulator.operations import planned
from infra.simulator.reply import JSON, Pieces, Reply, Request, Whole
from infra.simulator.responses.create import resume
from infra.simulator.stored_responses import ResponseStore, answer_stored
from infra.simulator.uploads import decoded_members, members_of

_FAULTLESS = Faults()


class SimulatorProvider:
    """Provider that answers by itself. ``parameters.defaults`` of a document may carry ``simulator`` orders.

    Args:
        clock: seconds since 1970-01-01 UTC, for ``created``.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, ResponseStore] = {}

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:  # noqa: ARG002 - counts no bytes
        """Answer with a complete body; see the port."""
        plan, faults = await self._plan(call, document, stream=False)
        answer, timeout = plan.answer, document.parameters.timeout
        if faults.stall_after is not None:
            await stall(timeout)
        await pause(faults.due(plan.usage.output_tokens), timeout)
        if faults.cut_after is not None or faults.malformed or faults.empty or not isinstance(answer, Whole):
            raise UpstreamProtocolError(reason="simulated: invalid or truncated answer")
        body = answer.body()
        plan.completed()
        return Answer(body, answer.content_type, plan.reported)

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> SimulatedStream:  # noqa: ARG002 - counts no bytes
        """Begin to stream; see the port."""
        start = asyncio.get_running_loop().time()
        plan, faults = await self._plan(call, document, stream=True)
        timeout = document.parameters.timeout
        await pause(faults.ttft, timeout)
        if faults.empty or not isinstance(plan.answer, Pieces):
            raise UpstreamProtocolError(reason="simulated: an empty stream")
        stream = SimulatedStream(plan, plan.answer, faults, timeout, start)
        await stream.begin()
        return stream

    async def resume(self, call: StoredCall, document: ModelDocument) -> SimulatedStream:
        """Stream a response that this document makes in the background; see the port."""
        try:
            plan, pieces = resume(self._kept_by(document), call.response_id, call.query)
        except SimulatedError as refused:
            raise refusal_of(refused) from None
        start = asyncio.get_running_loop().time()
        stream = SimulatedStream(plan, pieces, _FAULTLESS, document.parameters.timeout, start)
        await stream.begin()
        return stream

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Serve a request about a response that this document stored; see the port."""
        try:
            found = answer_stored(self._kept_by(document), call.action, call.response_id, call.query)
        except SimulatedError as refused:
            raise refusal_of(refused) from None
        return Answer(found.body, JSON, found.reported)

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:  # noqa: ARG002 - the port's signature
        """Return True: it is always available."""
        return True

    def upstream_model(self, document: ModelDocument) -> str:
        """Return the model named in the document's parameters, else its code."""
        return document.parameters.model or document.code

    def unusable_because(self, document: ModelDocument) -> str | None:  # noqa: ARG002 - the port's signature
        """Return None: every document can be simulated."""
        return None

    def _kept_by(self, document: ModelDocument) -> ResponseStore:
        return self._kept.setdefault(document.id, ResponseStore())

    async def _plan(self, call: Call, document: ModelDocument, *, stream: bool) -> tuple[Reply, Faults]:
        try:
            members = self._members(call, document)
            faults = read_faults(members.get("simulator"), _FAULTLESS)
            failure = faults.failure()
            if failure is None and not faults.html:
                request = Request(
                    members=members,
                    created=int(self._clock()),
                    stream=stream,
                    form=call.form,
                    tokens=faults.tokens,
                    with_usage=not faults.no_usage,
                    kept=self._kept_by(document),
                )
                return await planned(call.endpoint, request), faults
        except SimulatedError as refused:
            raise as_gateway_error(refused) from None
        await pause(faults.ttft, document.parameters.timeout)
        if failure is not None:
            raise as_gateway_error(failure)
        status = faults.status or 502
        raise UpstreamRefusedError(status, f"The model's provider answered with status {status} and no explanation.")

    def _members(self, call: Call, document: ModelDocument) -> dict[str, Any]:
        """Read the members of a request, with the document's defaults where the caller sets nothing."""
        sent = decoded_members(call.fields) if call.form is None else members_of(call.form)
        defaults = document.parameters.defaults
        body = {name: value for name, value in defaults.items() if OTHER_NAME.get(name) not in sent}
        return {**body, **sent, "model": self.upstream_model(document)}
