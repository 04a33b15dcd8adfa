"""Read the members of a model document about the course of its calls: time limits, silence, disconnected callers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.documents.fault import kind_of
from domain.documents.reader import Reader

UPSTREAM_CALL_MEMBERS = frozenset({"timeouts", "keep_alive", "on_disconnect"})
_TIMEOUTS = ("connect", "first_byte", "idle", "total")
_MOST_SECONDS = Decimal(86_400)
_MOST_TOKENS = 1_000_000
_LEAST_SECONDS = Decimal("0.001")


class _KeepAlive(StrEnum):
    STREAM = "stream"
    EARLY = "early"


class _OnDisconnect(StrEnum):
    CANCEL = "cancel"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class UpstreamCalls:
    """The course of the calls of a document; see the fields of the same names in ``ModelDocument``."""

    timeouts: Mapping[str, float]
    early_head: bool
    drain_tokens: float


def read_upstream_calls(reader: Reader) -> UpstreamCalls:
    """Read them; faults are noted in the reader."""
    keep_alive = reader.choice("keep_alive", _KeepAlive) if reader.given("keep_alive") else None
    return UpstreamCalls(_timeouts(reader), keep_alive is _KeepAlive.EARLY, _drain_tokens(reader))


def _timeouts(reader: Reader) -> dict[str, float]:
    table = reader.table("timeouts")
    table.unknown(_TIMEOUTS)
    read = {name: table.number(name, least=_LEAST_SECONDS, most=_MOST_SECONDS) for name in _TIMEOUTS}
    found = {name: float(seconds) for name, seconds in read.items() if seconds is not None}
    longest = max((name for name in found if name != "total"), key=found.__getitem__, default=None)
    if longest is not None and found[longest] > found.get("total", math.inf):
        table.warn("total", f"is shorter than {longest}, which has no effect", "the longest of the time limits")
    return found


def _drain_tokens(reader: Reader) -> float:
    value = reader.members.get("on_disconnect")
    if isinstance(value, Mapping):
        table = reader.table("on_disconnect")
        table.unknown(["drain_tokens"])
        if not table.given("drain_tokens"):
            table.error("drain_tokens", "is missing", "a number of tokens, for example 200")
        return table.whole("drain_tokens", least=1, most=_MOST_TOKENS) or 0
    if value is None or isinstance(value, str):
        chosen = reader.choice("on_disconnect", _OnDisconnect) if value is not None else None
        return math.inf if chosen is _OnDisconnect.DRAIN else 0
    reader.error("on_disconnect", f"is {kind_of(value)}", '"cancel", "drain" or {"drain_tokens": 200}')
    return 0
