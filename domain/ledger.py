"""The ledger line: what finance sees of one call. Written once, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from domain.fast_dataclass import record
from domain.usage import Usage, UsageSource


@record
class LedgerLine:
    """One answered or failed call that reached for an upstream.

    Args:
        id: unique; a store that sees a line twice keeps one.
        time_ms: when the call arrived, milliseconds since 1970-01-01 UTC.
        request_id: the ``x-request-id`` of the answer.
        project: id of the project that pays.
        key_id: id of the key that was used.
        tags: the project's tags at the time.
        end_user: the ``user`` of the body.
        operation: the operation as documents spell it.
        code: public model name of the document that was called.
        document_id: that document.
        provider: its provider.
        upstream_model: the name the upstream knew the model by.
        status: HTTP status of the outcome, also where a stream broke after its 200; 499 if the caller disconnected.
        error: our code of what went wrong, or ``None``.
        attempts: how many times an upstream was called.
        streamed: answered as server-sent events.
        latency_ms: from arrival to the last byte.
        first_byte_ms: from arrival to the first byte of the answer; None if there was none.
        usage: every quantity used.
        usage_source: how the quantities came about.
        prices: the prices used, in plain notation.
        cost_units: cost in 10^-12 of a currency unit.
        currency: ISO 4217 code.
        unpriced: quantities that were used and had no price.
        accounts: budgets, each with its period, that counted the cost when the call was settled. A budget that is made
            later adds up the lines that do not name it.
    """

    id: str
    time_ms: int
    request_id: str
    project: str
    key_id: str
    operation: str
    code: str
    document_id: str
    provider: str
    upstream_model: str
    status: int
    attempts: int
    streamed: bool
    latency_ms: int
    usage: Usage
    usage_source: UsageSource
    cost_units: int
    currency: str
    first_byte_ms: int | None = None
    error: str | None = None
    end_user: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, str] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
