"""One account per call: what is known of it from its admission on, and the one place where its ledger line is written.

The request path reports how a call ended; it never measures, prices or records. What a call holds while it is served
belongs to its account, and is given back when the account is settled.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence

from application.serving.deployment_states import DeploymentState
from application.serving.held import Held
from application.serving.ledger import AccountState, Ledger
from application.serving.meter import Meter, counted
from application.serving.use_case import UseCase
from domain.call import Call
from domain.errors import DeploymentUnusableError, GatewayError, UpstreamTimeoutError
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from domain.pricing import cost_of
from domain.project import Caller
from domain.usage import Usage, UsageSource

NOTHING_USED = Usage()

_LONGEST_KEPT, _CLOCKS_DIFFER = 400 * 86_400.0, 86_400.0  # seconds


class CallAccount:
    """The account of one admitted call. The first verb that ends it takes effect, later ones do not.

    Args:
        ledger: records its line.
        use_case: what the caller asks for.
        call: the call as its deployments receive it.
        caller: who pays.
        candidates: the deployments that may serve it, in the order in which to try them.
    """

    __slots__ = (
        "_deployment",
        "_ledger",
        "_sent",
        "attempts",
        "call",
        "caller",
        "candidates",
        "document",
        "first_byte",
        "held",
        "line",
        "line_id",
        "rewrite",
        "started",
        "state",
        "time_ms",
        "use_case",
    )

    def __init__(
        self, ledger: Ledger, use_case: UseCase, call: Call, caller: Caller, candidates: Sequence[ModelDocument]
    ) -> None:
        self._ledger = ledger
        self.use_case = use_case
        self.call = call
        self.caller = caller
        self.candidates = candidates
        self.state = AccountState.OPEN
        self.time_ms = int(ledger.clock.time() * 1000)
        """Arrival of the call, milliseconds since 1970-01-01 UTC."""
        self.started = ledger.clock.monotonic()
        self.first_byte: float | None = None
        """Arrival of the first byte of the answer, on the monotonic clock as ``started``."""
        self.document: ModelDocument | None = None
        """The deployment that was called last."""
        self.attempts = 0
        """Number of times an upstream was called."""
        self._deployment: DeploymentState | None = None
        self._sent = 0.0
        self.rewrite: Callable[[bytes], bytes] | None = None
        """Transform applied to each block of the answer."""
        self.line_id: str | None = None
        """Id of the ledger line where it must be the same however often the answer is fetched."""
        self.line: LedgerLine | None = None
        """The ledger line once the call is settled."""
        in_flight = ledger.in_flight
        self.held = None if in_flight is None else Held(in_flight, ledger.new_id, ledger.released)

    def attempt(self, document: ModelDocument, state: DeploymentState | None = None) -> None:
        """Note that a deployment is called now; ``state`` remembers how it does."""
        self._ledger.open_calls[self] = self.time_ms
        self.document = document
        self.attempts += 1
        self._deployment = state
        if self.held is not None:
            self.held.begin(self.call, self.caller, document, self.time_ms, self.line_id)
        self._sent = 0.0 if state is None else state.started()

    def attempt_failed(self, error: GatewayError) -> None:
        """Note that the last attempt failed. It does not count where the deployment was unusable: nothing was sent."""
        if isinstance(error, DeploymentUnusableError):
            self.attempts -= 1
        self._release(error)

    def attempt_succeeded(self) -> None:
        """Note that the deployment took the call."""
        if self._deployment is not None:
            self._deployment.answered(self._sent)

    def answered(self) -> None:
        """Note the arrival of the first byte of the answer."""
        self.first_byte = self._ledger.clock.monotonic()

    def share_line(self, public_id: str, created_at: object) -> None:
        """Give the ledger line the identity that it has whoever fetches a background response, and whenever.

        Args:
            public_id: of the response.
            created_at: its time in POSIX seconds, by which stores keep lines apart; impossible values are ignored.
        """
        self.line_id = "response-" + hashlib.sha256(public_id.encode()).hexdigest()[:40]
        if isinstance(created_at, bool) or not isinstance(created_at, int | float):
            return
        if -_LONGEST_KEPT < created_at - self.time_ms / 1000 < _CLOCKS_DIFFER:
            self.time_ms = int(created_at * 1000)

    async def completed(
        self, reported: Usage | None, body: bytes = b"", delivered: Callable[[], int] | None = None
    ) -> None:
        """Settle a call whose answer is complete.

        Args:
            reported: usage that the upstream reported, if any.
            body: of an answer that is not streamed.
            delivered: counts the output tokens of a stream by rule of thumb.

        Raises:
            asyncio.CancelledError: the caller disconnected meanwhile. The line is recorded.
        """
        if self.state is not AccountState.OPEN:
            return
        self.state = AccountState.SETTLING
        if self.call.background and not self.call.stream and not counted(reported):
            self.line_id = None  # only accepted so far: its result has a line of its own once it is fetched
            self._settle(200, NOTHING_USED, UsageSource.PARTIAL)
            return
        meter = Meter(self.use_case, self.call, self.document, self._ledger.length_ms)
        try:
            if self.use_case.measure is not None:
                await meter.measure(reported)
        finally:
            self._settle(200, *meter.complete(reported, body, delivered))

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
        meter = Meter(self.use_case, self.call, self.document, self._ledger.length_ms)
        status, error = self._ledger.outcome(cause)
        try:
            if self.use_case.measure is not None and self.attempts:
                await meter.measure(reported)
        finally:
            usage = meter.cut_short(reported, delivered) if self.attempts else NOTHING_USED
            self._settle(status, usage, UsageSource.PARTIAL, error)

    async def failed(self, cause: BaseException) -> None:
        """Settle a call that got no answer.

        Nothing is charged where every upstream refused it. After a time-out, or where the caller did not wait, the
        upstream may have read it, and may charge for it: then it counts as interrupted.

        Raises:
            asyncio.CancelledError: see :meth:`interrupted`.
        """
        if isinstance(cause, UpstreamTimeoutError | asyncio.CancelledError):
            await self.interrupted(cause)
        elif self.state is AccountState.OPEN:
            status, error = self._ledger.outcome(cause)
            self._settle(status, NOTHING_USED, UsageSource.MEASURED, error)

    def _release(self, cause: BaseException | None = None) -> None:
        """Note that the deployment is no longer busy with this call, and why where something ended it."""
        state, self._deployment = self._deployment, None
        if state is not None:
            if cause is not None:
                state.failed(cause)
            state.ended()

    def _settle(self, status: int, usage: Usage, source: UsageSource, error: str | None = None) -> None:
        """Price what the call used and record its line. Called once per account."""
        self.state, document, held = AccountState.SETTLED, self.document, self.held
        self._release()
        self._ledger.open_calls.pop(self, None)
        if document is None:
            if held is not None:
                held.drop()
            return
        ledger = self._ledger
        call, project, now = self.call, self.caller.project, ledger.clock.monotonic()
        cost = cost_of(usage, document.prices)
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
            operation=call.endpoint.operation.value,
            code=document.code,
            document_id=document.id,
            provider=document.provider,
            upstream_model=ledger.upstream_model(document),
            status=status,
            error=error,
            attempts=self.attempts,
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
        )
        ledger.record(self.line)
        if held is not None:
            held.settled(usage, cost, reached=self.attempts > 0)
