"""From a finished call to its ledger line."""

from __future__ import annotations

from collections.abc import Callable

from application.serving.exchange import Exchange
from domain.errors import GatewayError
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from domain.pricing import cost_of
from domain.usage import Usage, UsageSource

NOTHING = Usage()

CALLER_GONE_STATUS = 499
CALLER_GONE = "caller_gone"
"""Ledger status (nginx's convention) and error code of a call whose caller hung up."""

INTERNAL_ERROR_STATUS = 500
INTERNAL_ERROR = "internal_error"
"""Ledger status and error code of a call that met a fault of ours."""


class Settle:
    """Writes the ledger line of a call, exactly once however it ended.

    Args:
        record: takes the line; when it returns, the line survives the death of this process.
        upstream_model: the name by which the upstream knows a document's model.
        monotonic: seconds on a clock that never goes back.
        new_id: makes unique ids for ledger lines.
        status_of: the HTTP status that an error is answered with.
    """

    def __init__(
        self,
        record: Callable[[LedgerLine], None],
        upstream_model: Callable[[ModelDocument], str],
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
        status_of: Callable[[GatewayError], int],
    ) -> None:
        self._record = record
        self._upstream_model = upstream_model
        self._monotonic = monotonic
        self._new_id = new_id
        self.status_of = status_of

    def failed(self, exchange: Exchange, error: GatewayError) -> None:
        """Record a call that nobody answered: nothing was used as far as anyone knows."""
        self(exchange, status=self.status_of(error), error=error.label)

    def __call__(
        self,
        exchange: Exchange,
        *,
        status: int,
        usage: Usage = NOTHING,
        source: UsageSource = UsageSource.MEASURED,
        error: str | None = None,
    ) -> None:
        """Price the usage and record the line. Later calls for the same exchange do nothing.

        Args:
            exchange: the call.
            status: HTTP status of the outcome, also where a stream broke after its 200; 499 = the caller was gone.
            usage: what was used.
            source: how that is known.
            error: our code of what went wrong.
        """
        document = exchange.document
        if exchange.line is not None or document is None:
            return
        call, project, now = exchange.call, exchange.caller.project, self._monotonic()
        cost = cost_of(usage, document.prices)
        first_byte = exchange.first_byte
        exchange.line = LedgerLine(
            id=exchange.line_id or self._new_id(),
            time_ms=exchange.time_ms,
            request_id=call.request_id,
            project=project.id,
            key_id=exchange.caller.key_id,
            tags=project.tags,
            end_user=call.end_user,
            operation=call.endpoint.operation.value,
            code=document.code,
            document_id=document.id,
            provider=document.provider,
            upstream_model=self._upstream_model(document),
            status=status,
            error=error,
            attempts=exchange.attempts,
            streamed=call.stream,
            latency_ms=round((now - exchange.started) * 1000),
            first_byte_ms=None if first_byte is None else round((first_byte - exchange.started) * 1000),
            usage=usage,
            usage_source=source,
            prices=document.prices.described,
            cost_units=cost.units,
            currency=cost.currency,
            unpriced=cost.unpriced,
        )
        self._record(exchange.line)
