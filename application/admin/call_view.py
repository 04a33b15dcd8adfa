"""One call as its ledger line has it, for the project that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from domain.cost_parts import cost_parts
from domain.documents.write import time_text
from domain.ledger import LedgerLine
from domain.money import plain_units
from domain.usage import QUANTITIES


def call_as_json(line: LedgerLine) -> dict[str, object]:
    """Return a ledger line as JSON data: outcome, attempts, what was used, and how the cost came about."""
    return {
        "object": "usage.call",
        "id": line.id,
        "request_id": line.request_id,
        "created_at": time_text(line.time_ms),
        "model": line.code,
        "model_asked": line.code_asked or line.code,
        "deployment": line.document_id,
        "operation": line.operation,
        "key_id": line.key_id,
        "user": line.end_user,
        "status": line.status,
        "error": line.error,
        "streamed": line.streamed,
        "milliseconds": line.latency_ms,
        "milliseconds_to_first_byte": line.first_byte_ms,
        "attempts": [
            {
                "deployment": attempt.document,
                "status": attempt.status,
                "error": attempt.error,
                "milliseconds": attempt.milliseconds,
            }
            for attempt in line.attempt_details
        ],
        "usage": {name: used for name in QUANTITIES if (used := getattr(line.usage, name))},
        "usage_source": line.usage_source.value,
        "cost": _cost(line),
    }


def _cost(line: LedgerLine) -> Mapping[str, object]:
    return {
        "amount": plain_units(line.cost_units),
        "currency": line.currency,
        "parts": [asdict(part) for part in cost_parts(line.usage, line.prices)],
        "without_price": list(line.unpriced),
    }
