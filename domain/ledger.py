"""The ledger line: what finance sees of one call. Written once, never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field

from domain.fast_dataclass import record
from domain.usage import Usage, UsageSource

_LONGEST_KEPT, _CLOCKS_DIFFER = 400 * 86_400.0, 86_400.0  # seconds


@record
class AttemptDetail:
    """One request to an upstream on behalf of a call.

    Args:
        document: id of the deployment.
        status: HTTP status of its response; None if no head arrived.
        bytes_sent: bytes of the request that were sent, head included; None if not known.
        bytes_received: bytes of the response, head included; None if not known.
        delivered: bytes of the answer that were handed to the caller.
        milliseconds: its duration.
        error: our code of what went wrong.
        usage_source: how the usage that is charged for it is known; None if nothing is charged for it.
        exposure_units: the most that the upstream may charge for it, in 10^-12 of a currency unit.
        currency: ISO 4217 code.
        rate_limits: the headers of the response that report the upstream's own rate limits.
        injected: type of a fault that was injected on purpose.
        drained: output tokens that were read after the caller had disconnected, by rule of thumb.
    """

    document: str
    milliseconds: int
    status: int | None = None
    bytes_sent: int | None = None
    bytes_received: int | None = None
    delivered: int = 0
    error: str | None = None
    usage_source: str | None = None
    exposure_units: int = 0
    currency: str = ""
    rate_limits: Mapping[str, str] = field(default_factory=dict)
    injected: str | None = None
    drained: int = 0


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
        code: public model name of the document that was called: the model that served the call.
        code_asked: the model that the caller named: another one after a fallback, or a document's id; empty in lines of
            earlier releases.
        document_id: that document.
        provider: its provider.
        upstream_model: the name the upstream knew the model by.
        status: HTTP status of the outcome, also where a stream broke after its 200; 499 if the caller disconnected.
        error: our code of what went wrong, or ``None``.
        attempts: how many times an upstream was called.
        attempt_details: these attempts, in their order; empty in lines of earlier releases.
        streamed: answered as server-sent events.
        latency_ms: from arrival to the last byte.
        first_byte_ms: from arrival to the first byte of the answer; None if there was none.
        usage: every quantity used.
        usage_source: how the quantities came about.
        prices: the prices used, in plain notation.
        cost_units: what the project is charged, in 10^-12 of a currency unit.
        exposure_units: the most that the upstreams may charge for all attempts, in 10^-12 of the same currency unit;
            None if that is the cost.
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
    exposure_units: int | None = None
    attempt_details: tuple[AttemptDetail, ...] = ()
    code_asked: str = ""


def shared_identity(public_id: str, created_at: object, now_ms: int) -> tuple[str, int]:
    """Return id and time of the line of a background response, the same whoever fetches it, and whenever.

    Args:
        public_id: of the response.
        created_at: its time in POSIX seconds; a value that is impossible is replaced by now.
        now_ms: milliseconds since 1970-01-01 UTC.
    """
    line_id = "response-" + hashlib.sha256(public_id.encode()).hexdigest()[:40]
    if isinstance(created_at, bool) or not isinstance(created_at, int | float):
        return line_id, now_ms
    possible = -_LONGEST_KEPT < created_at - now_ms / 1000 < _CLOCKS_DIFFER
    return line_id, int(created_at * 1000) if possible else now_ms
