"""Ledger lines as documents of Cosmos DB."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from application.ports.usage_store import LedgerWriter
from domain.documents.store_fields import without_bookkeeping
from domain.ledger import LedgerLine
from infra.clients.cosmos_container import LARGEST_INTEGER
from infra.usage_store.codec import as_dict

_FORBIDDEN = frozenset("/\\?#")
_LARGEST = 2_000_000
_COSTS = ("cost_units", "exposure_units")
_ABSENT: tuple[object, ...] = (None, 0, {})


def to_item(line: LedgerLine) -> dict[str, Any]:
    """Convert a line to a document. Absent values and zeros are left out, because every byte is charged.

    Raises:
        ValueError: Cosmos DB can never store it: its id, half a surrogate pair, or more than 2 MB.
        OverflowError: a number that a double cannot hold exactly.
        TypeError: a value that cannot be part of a line.
    """
    if _FORBIDDEN.intersection(line.id) or not line.id:
        raise ValueError("the id is empty or contains / \\ ? or #")
    members: dict[str, Any] = msgspec.to_builtins(line, enc_hook=as_dict)
    item = {name: value for name, value in members.items() if value is not None}
    item["usage"] = {name: quantity for name, quantity in members["usage"].items() if quantity}
    # As text: costs are integers beyond 2^53.
    item |= {name: str(units) for name in _COSTS if (units := getattr(line, name)) is not None}
    item["month"] = month(line.time_ms)
    details = members["attempt_details"]
    item["attempt_details"] = [
        {name: value for name, value in each.items() if value not in _ABSENT} for each in details
    ]
    for detail in item["attempt_details"]:
        if "exposure_units" in detail:
            detail["exposure_units"] = str(detail["exposure_units"])
    for value in (*item.values(), *item["usage"].values()):
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            raise OverflowError("a number beyond 2^53")
    if len(json.dumps(item, ensure_ascii=False).encode()) > _LARGEST:
        raise ValueError("larger than the 2 MB that Cosmos DB accepts")
    return item


def from_item(item: Mapping[str, Any]) -> LedgerLine:
    """Read a line from what :func:`to_item` returns.

    Raises:
        ValueError: not a ledger line: the container was written to directly.
    """
    try:
        costs = {name: int(item[name]) for name in _COSTS if name in item}
        details = [
            {"milliseconds": 0, **each, "exposure_units": int(each.get("exposure_units", 0))}
            for each in item.get("attempt_details", ())
        ]
        return msgspec.convert(without_bookkeeping(item) | costs | {"attempt_details": details}, LedgerLine)
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise ValueError(f"not a ledger line ({type(error).__name__})") from None


def to_writer_item(writer: LedgerWriter) -> dict[str, Any]:
    """Convert the progress of a writer to a document. Its empty project and month set it apart from lines."""
    return {**asdict(writer), "project": "", "month": ""}


def from_writer_item(item: Mapping[str, Any]) -> LedgerWriter:
    """Read the progress of a writer.

    Raises:
        ValueError: the container was written to directly.
    """
    try:
        return msgspec.convert(without_bookkeeping(item), LedgerWriter)
    except msgspec.ValidationError:
        raise ValueError("not the progress of a ledger writer") from None


def month(time_ms: int) -> str:
    """Return the calendar month in UTC, ``2026-11``: a part of the partition key."""
    return time.strftime("%Y-%m", time.gmtime(time_ms // 1000))
