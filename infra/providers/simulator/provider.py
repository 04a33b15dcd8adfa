"""The simulator as a provider of the gateway: no network, the same answers as the server's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from application.ports.providers import Answer, StoredCall
from domain.call import Call
from domain.errors import UpstreamProtocolError, UpstreamRefusedError
from domain.model import ModelDocument
from infra.providers.simulator.failures import as_gateway_error
from infra.providers.simulator.faults import Faults, read_faults
from infra.providers.simulator.operations import planned
from infra.providers.simulator.refusal import SimulatedError
from infra.providers.simulator.reply import JSON, Pieces, Reply, Request, Whole
from infra.providers.simulator.request import read_request, upstream_model
from infra.providers.simulator.responses.stored import answer_stored
from infra.providers.simulator.simulated_stream import SimulatedStream
from infra.providers.simulator.stored_responses import KeptResponses
from infra.providers.simulator.waiting import pause, stall

_FAULTLESS = Faults()


class SimulatorProvider:
    """Answers calls by itself. A document's ``parameters.defaults`` may carry ``simulator`` orders of its own.

    Args:
        clock: seconds since 1970-01-01 UTC, for ``created``.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, KeptResponses] = {}

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """Answer as a whole; see the port."""
        plan, faults = await self._plan(call, document, stream=False)
        answer, silence = plan.answer, document.parameters.timeout
        if faults.stall_after is not None:
            await stall(silence)
        await pause(faults.due(plan.usage.output_tokens), silence)
        if faults.cut_after is not None or faults.malformed or faults.empty or not isinstance(answer, Whole):
            raise UpstreamProtocolError(reason="simulated: no usable answer")
        body = answer.body()
        plan.completed()
        return Answer(body, answer.content_type, plan.reported)

    async def stream(self, call: Call, document: ModelDocument) -> SimulatedStream:
        """Begin to stream; see the port."""
        start = asyncio.get_running_loop().time()
        plan, faults = await self._plan(call, document, stream=True)
        silence = document.parameters.timeout
        await pause(faults.ttft, silence)
        if faults.empty or not isinstance(plan.answer, Pieces):
            raise UpstreamProtocolError(reason="simulated: an empty stream")
        stream = SimulatedStream(plan, plan.answer, faults, silence, start)
        await stream.begin()
        return stream

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Look after a response that this document made before; see the port."""
        kept = self._kept_by(document)
        try:
            found = answer_stored(kept, call.action, call.response_id, call.query)
        except SimulatedError as refused:
            raise UpstreamRefusedError(
                refused.status, refused.message, kind=refused.kind, param=refused.param, code=refused.code
            ) from None
        return Answer(found.body, JSON, found.reported)

    def upstream_model(self, document: ModelDocument) -> str:
        """The model named in the document's parameters, else its code."""
        return upstream_model(document)

    def unusable_because(self, document: ModelDocument) -> str | None:  # noqa: ARG002 - the port's signature
        """Never: the simulator needs nothing."""
        return None

    def _kept_by(self, document: ModelDocument) -> KeptResponses:
        return self._kept.setdefault(document.id, KeptResponses())

    async def _plan(self, call: Call, document: ModelDocument, *, stream: bool) -> tuple[Reply, Faults]:
        try:
            members = read_request(call, document)
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
        said = f"The model's provider answered with status {status} and no explanation."
        raise UpstreamRefusedError(status, said)
