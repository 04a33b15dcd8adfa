"""One account per call: what is known of it from its admission on, and the one place where its ledger line is written.

The request path reports how a call ended; it never measures, prices or records. What a call holds while it is served
belongs to its account, and is given back when the account is settled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from application.serving.deployment_states import DeploymentState
from application.serving.exposure import NOTHING_USED, describe
from application.serving.fallbacks import Fallbacks
from application.serving.ledger import CALLER_GONE, AccountState, Ledger
from application.serving.limits.call_hold import CallHold
from application.serving.meter import Meter, counted
from application.serving.use_case import UseCase
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import DeploymentMissingError, DeploymentUnusableError, GatewayError, UpstreamTimeoutError
from domain.ledger import LedgerLine, shared_identity
from domain.model import ModelDocument
from domain.pricing import cost_of
from domain.project import Caller
from domain.usage import Usage, UsageSource

_OK, _MODEL_FAILED = 200, 502  # the latter for a complete answer that reports that the model failed


class CallAccount:
    """The account of one admitted call. The first verb that ends it takes effect, later ones do not.

    Args:
        ledger: records its line.
        use_case: what the caller asks for.
        call: the call as its deployments receive it.
        caller: who pays.
        candidates: the deployments that may serve it, in the order in which to try them.
    """

    def __init__(
        self, ledger: Ledger, use_case: UseCase, call: Call, caller: Caller, candidates: Sequence[ModelDocument]
    ) -> None:
        self._ledger = ledger
        self.use_case, self.call, self.caller = use_case, call, caller
        self.candidates = candidates
        self.state = AccountState.OPEN
        self.time_ms = int(ledger.clock.time() * 1000)
        """Arrival of the call, milliseconds since 1970-01-01 UTC."""
        self.started = ledger.clock.monotonic()
        self.first_byte: float | None = None
        """Arrival of the first byte of the answer, on the monotonic clock as ``started``."""
        self.document: ModelDocument | None = None
        self.attempts: list[Attempt] = []
        """The times that an upstream was called."""
        self._deployment: DeploymentState | None = None
        self.rewrite: Callable[[bytes], bytes] | None = None
        """Transform applied to each block of the answer."""
        self.fallbacks: Fallbacks | None = None
        self.public_id: str | None = None  # of a response that is made in the background
        self.line_id: str | None = None
        """Id of the ledger line where it must be the same however often the answer is fetched."""
        self.line: LedgerLine | None = None
        in_flight = ledger.in_flight
        self.held = None if in_flight is None else CallHold(in_flight, ledger.new_id, ledger.released)

    def attempt(self, document: ModelDocument, state: DeploymentState | None = None) -> Attempt:
        """Note that a deployment is called now; ``state`` remembers how it does."""
        self._ledger.open_calls[self] = self.time_ms
        self.document = document
        self._deployment = state
        if self.held is not None:
            self.held.begin(self.call, self.caller, document, self.time_ms, self.line_id)
        if state is not None:
            state.started()
        return Attempt(document, self._ledger.clock.monotonic, self.attempts)

    def attempt_failed(self, error: GatewayError) -> None:
        """Note that the last attempt failed. It does not count where the deployment was unusable: nothing was sent."""
        if isinstance(error, DeploymentUnusableError) and not isinstance(error, DeploymentMissingError):
            self.attempts[-1].withdraw()
        else:
            self.attempts[-1].fail(error)
        self._release(error)

    def attempt_succeeded(self) -> None:
        """Note that the deployment took the call."""
        attempt = self.attempts[-1]
        if attempt.status is None:
            attempt.status = _OK
        if self._deployment is not None:
            self._deployment.answered(attempt.started)

    def answered(self) -> None:
        """Note the arrival of the first byte of the answer."""
        self.first_byte = self._ledger.clock.monotonic()

    def share_line(self, public_id: str, created_at: object) -> None:
        """Give the ledger line the identity that it has whoever fetches a background response, and whenever.

        Args:
            public_id: of the response.
            created_at: its time in POSIX seconds, by which stores keep lines apart; impossible values are ignored.
        """
        self.line_id, self.time_ms = shared_identity(public_id, created_at, self.time_ms)

    async def completed(
        self, reported: Usage | None, answer: bytes = b"", delivered: Callable[[], int] | None = None
    ) -> None:
        """Settle a call whose answer is complete. A model that failed is recorded as an error of the upstream.

        Args:
            reported: usage that the upstream reported, if any.
            answer: its body, or the last block of a stream.
            delivered: counts the output tokens of a stream by rule of thumb.

        Raises:
            asyncio.CancelledError: the caller disconnected meanwhile. The line is recorded.
        """
        if self.state is not AccountState.OPEN:
            return
        self.state = AccountState.SETTLING
        if not self.attempts or (self.call.background and not self.call.stream and not counted(reported)):
            self.line_id = None  # only accepted so far: its result has a line of its own once it is fetched
            self._settle(_OK, NOTHING_USED, UsageSource.PARTIAL, complete=True)
            return
        attempt = self.attempts[-1]
        attempt.delivered = attempt.delivered or (len(answer) if attempt.drained is None else 0)
        attempt.end()
        meter = self._meter(attempt)
        try:
            if self.use_case.measure is not None:
                await meter.measure(reported)
        finally:
            error, body = self.use_case.failed_code(answer), answer if delivered is None else b""
            status = _OK if error is None else _MODEL_FAILED
            status, error = (status, error) if attempt.drained is None else CALLER_GONE
            self._settle(status, *meter.complete(reported, body, delivered), error, complete=True)

    async def interrupted(
        self, cause: BaseException, reported: Usage | None = None, delivered: Callable[[], int] | None = None
    ) -> None:
        """Settle a call that ended before its answer was complete: charge what the upstream certainly did.

        Args:
            cause: what ended it; anything but an ``Exception`` means that the caller disconnected.
            reported: usage that the upstream reported until then.
            delivered: counts the output tokens that arrived, by rule of thumb.

        Raises:
            asyncio.CancelledError: the task was cancelled meanwhile. The line is recorded.
        """
        if self.state is not AccountState.OPEN:
            return
        self.state = AccountState.SETTLING
        self._release(cause)
        if not counted(reported):
            self.line_id = None  # a background response goes on; it is charged once it is fetched
        status, error = self._ledger.outcome(cause)
        if not self.attempts:
            self._settle(status, NOTHING_USED, UsageSource.PARTIAL, error)
            return
        self.attempts[-1].end(error)
        meter = self._meter(self.attempts[-1])
        try:
            if self.use_case.measure is not None:
                await meter.measure(reported)
        finally:
            self._settle(status, meter.cut_short(reported, delivered), UsageSource.PARTIAL, error)

    async def failed(self, cause: BaseException) -> None:
        """Settle a call that got no answer.

        Nothing is charged where every upstream refused it. After a time-out, where the answer was cut, or where the
        caller did not wait, the upstream may charge for it: then it counts as interrupted.

        Raises:
            asyncio.CancelledError: see :meth:`interrupted`.
        """
        cut = bool(self.attempts) and self.attempts[-1].cut
        if cut or isinstance(cause, UpstreamTimeoutError | asyncio.CancelledError):
            await self.interrupted(cause)
        elif self.state is AccountState.OPEN:
            status, error = self._ledger.outcome(cause)
            self._settle(status, NOTHING_USED, UsageSource.MEASURED, error)

    def _meter(self, attempt: Attempt) -> Meter:
        return Meter(self.use_case, self.call, attempt, self._ledger.length_ms)

    def _release(self, cause: BaseException | None = None) -> None:
        """Note that the deployment is no longer busy with this call, and why where something ended it."""
        state, self._deployment = self._deployment, None
        if state is not None:
            if cause is not None:
                state.failed(cause)
            state.ended()

    def _settle(
        self, status: int, usage: Usage, source: UsageSource, error: str | None = None, *, complete: bool = False
    ) -> None:
        """Price what the call used and record its line. Called once per account."""
        self.state, held = AccountState.SETTLED, self.held
        document = self.attempts[-1].document if self.attempts else self.document
        self._release()
        self._ledger.open_calls.pop(self, None)
        if document is None:
            if held is not None:
                held.drop()
            return
        ledger = self._ledger
        call, project, now = self.call, self.caller.project, ledger.clock.monotonic()
        cost = cost_of(usage, document.prices)
        details, exposure = describe(self.attempts, usage, source, cost, complete=complete, meter=self._meter)
        first_byte = self.first_byte
        accounts = () if held is None else held.settling(cost)
        self.line = LedgerLine(
            id=self.line_id or (ledger.new_id() if held is None else held.line_id),
            time_ms=self.time_ms,
            request_id=call.request_id,
            project=project.id,
            key_id=self.caller.key_id,
            tags=project.tags,
            end_user=call.end_user,
            operation=call.endpoint.operation,
            code=document.code,
            code_asked=call.model,
            document_id=document.id,
            provider=document.provider,
            upstream_model=ledger.upstream_model(document),
            status=status,
            error=error,
            attempts=len(self.attempts),
            streamed=call.stream,
            latency_ms=round((now - self.started) * 1000),
            first_byte_ms=None if first_byte is None else round((first_byte - self.started) * 1000),
            usage=usage,
            usage_source=source,
            prices=document.prices.described,
            cost_units=cost.units,
            currency=cost.currency,
            unpriced=cost.unpriced,
            accounts=accounts,
            exposure_units=None if exposure == cost.units else exposure,
            attempt_details=details,
        )
        ledger.record(self.line)
        if held is not None:
            held.settled(usage, cost, reached=bool(self.attempts))
