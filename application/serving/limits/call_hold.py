"""The reservations of one call, and its place in the record of calls in flight."""

from __future__ import annotations

from collections.abc import Callable

from application.ports.in_flight import InFlight, InFlightCall
from application.serving.limits.plan import NOT_COUNTED, LimitPlan, Reservation
from domain.call import Call
from domain.model import ModelDocument
from domain.pricing import Cost
from domain.project import Caller
from domain.usage import Usage


class CallHold:
    """Taken at admission, given back exactly once, however the call ends.

    Args:
        in_flight: the record of this process.
        new_id: makes the id of the ledger line, which the record names before the upstream is called.
        released: called when something has been given back.
    """

    __slots__ = ("_in_flight", "_new_id", "_released", "_rows", "_slot", "claims", "line_id", "plan", "reservation")

    def __init__(self, in_flight: InFlight, new_id: Callable[[], str], released: Callable[[], None]) -> None:
        self._in_flight = in_flight
        self._new_id = new_id
        self._released = released
        self._slot: int | None = None
        self._rows: tuple[int, ...] = ()
        self.line_id = ""
        self.plan: LimitPlan | None = None
        """The limits and budgets that apply; None if there are none."""
        self.reservation: Reservation | None = None
        """In these limits and budgets, until the call is settled."""
        self.claims: list[Reservation] = []
        """In the limits of the deployments that were tried."""

    def begin(self, call: Call, caller: Caller, document: ModelDocument, time_ms: int, line_id: str | None) -> None:
        """Record the call before its deployment is called.

        Args:
            call: the call.
            caller: who pays.
            document: the deployment.
            time_ms: when the call arrived.
            line_id: of its ledger line, where it is known already.
        """
        in_flight = self._in_flight
        if self._slot is not None:
            in_flight.settled(self._slot, (), 0)
        else:
            self.line_id = line_id or self._new_id()
        sent = received = 0
        cost: int | None = None
        rows: tuple[int, ...] = ()
        if self.reservation is None:
            sent = sum(map(len, call.fields.values())) // 4
        else:
            estimate = self.reservation.estimate
            sent, received = estimate.input_tokens, estimate.output_tokens
            currency = document.prices.currency
            rows = self.reservation.plan.counted_in.get(currency, NOT_COUNTED).rows
            if rows:
                cost = estimate.costs.get(currency, 0)
        self._rows = rows
        self._slot = in_flight.begin(
            InFlightCall(
                self.line_id,
                time_ms,
                caller.project.id,
                caller.key_id,
                document.id,
                call.endpoint,
                call.request_id,
                sent,
                received,
                cost,
                rows,
            )
        )

    def settling(self, cost: Cost) -> tuple[str, ...]:
        """Note what the call cost, before its line is recorded; return the budget accounts that the line names."""
        if self.reservation is None:
            return ()
        counted = self.reservation.plan.counted_in.get(cost.currency, NOT_COUNTED)
        if counted.rows and self._slot is not None:
            self._in_flight.settling(self._slot, cost.units)
        return counted.accounts

    def settled(self, usage: Usage, cost: Cost, *, reached: bool) -> None:
        """Give everything back: the line is recorded.

        Args:
            usage: what the call used.
            cost: of it.
            reached: an upstream was called.
        """
        if self._slot is not None:
            self._in_flight.settled(self._slot, self._rows, cost.units)
            self._slot = None
        self._settle(usage, cost.units, cost.currency, reached=reached)

    def drop(self) -> None:
        """Give everything back: no upstream was called, and there is no line."""
        self._settle(_NOTHING, 0, "", reached=False)

    def _settle(self, usage: Usage, cost: int, currency: str, *, reached: bool) -> None:
        reservation, self.reservation = self.reservation, None
        if reservation is not None:
            reservation.settle(usage, cost, currency, reached=reached)
            self._released()
        if self.claims:
            for claim in self.claims:
                claim.settle(usage, 0, "", reached=reached)
            self.claims = []


_NOTHING = Usage()
