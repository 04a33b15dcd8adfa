"""Limits of a document: ``{"rpm": 600, "tpm": 100000, "concurrency": 50}``, and the other spellings in use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from domain.documents.reader import Reader
from domain.documents.values import unfit_name
from domain.operation import Endpoint
from domain.rate_limit import MINUTE, NO_LIMITS, LimitMode, Limits

MODELS_ROUTE = "/v1/models"
USAGE_ROUTE = "/v1/usage"
LIMITS_ROUTE = "/v1/limits"
ROUTES = frozenset({MODELS_ROUTE, USAGE_ROUTE, LIMITS_ROUTE, *(f"/v1/{endpoint.value}" for endpoint in Endpoint)})
"""Paths that can have limits of their own."""

_MOST = 10**12
_NUMBERS = {
    "rpm": ("rpm", "requests_per_minute"),
    "tpm": ("tpm", "tokens_per_minute"),
    "concurrency": ("concurrency", "max_concurrent_requests"),
    "burst": ("burst", "burst_limit"),
}
"""Each limit with its spellings, ours first."""
_WINDOWED = ("requests_per_window", "window_seconds", "requests", "rate")
_KNOWN = (*(name for names in _NUMBERS.values() for name in names), *_WINDOWED)
_SECONDS = {"second": 1, "sec": 1, "s": 1, "minute": MINUTE, "min": MINUTE, "m": MINUTE}
_SECONDS |= {"hour": 3600, "h": 3600, "day": 86_400, "d": 86_400}
_RATE = re.compile(r"([0-9]{1,12})\s*(?:/|per)\s*([a-z]+?)s?", re.IGNORECASE)
_EXAMPLE = '{"rpm": 600, "tpm": 100000, "concurrency": 50}'


def read_limits(owner: Reader) -> Limits:
    """Read the limits that are given; no limit where none is.

    ``limits`` may also be a text such as ``"100/minute"``, which limits requests.
    """
    value = owner.members.get("limits")
    if isinstance(value, str):
        return _rate(owner, "limits", Limits())
    return limits_of(owner.table("limits")) or NO_LIMITS


def limits_of(reader: Reader) -> Limits:
    """Read limits from the members of an object."""
    reader.unknown((*_KNOWN, "routes", "models", "mode"))
    limits = _plain(reader)
    mode = reader.choice("mode", LimitMode) if reader.given("mode") else None
    return replace(
        limits,
        routes=_nested(reader, "routes"),
        models=_nested(reader, "models"),
        mode=mode or LimitMode.ENFORCE,
    )


def _plain(reader: Reader) -> Limits:
    found: dict[str, int | None] = {}
    texts: dict[str, str] = {}
    for name, spellings in _NUMBERS.items():
        given = [spelling for spelling in spellings if reader.given(spelling)]
        if len(given) > 1:
            reader.error(given[1], f"limits the same as {given[0]}", "one of them")
        if name == "rpm" and given and "/" in str(reader.members[given[0]]):
            texts[name] = given[0]
        elif given:
            found[name] = reader.whole(given[0], least=1, most=_MOST)
    limits = Limits(found.get("rpm"), found.get("tpm"), found.get("concurrency"), found.get("burst"))
    for name in (*texts.values(), "requests", "rate"):
        if reader.given(name):
            limits = _rate(reader, name, limits)
    if reader.given("requests_per_window"):
        count = reader.whole("requests_per_window", least=1, most=_MOST)
        seconds = reader.whole("window_seconds", least=1, most=366 * 86_400)
        limits = replace(limits, rpm=count, request_window=seconds or MINUTE)
    elif reader.given("window_seconds"):
        reader.error("window_seconds", "is given without requests_per_window", "both of them")
    if limits.burst is not None and limits.rpm is None:
        reader.warn("burst", "is given without a limit on requests", "rpm beside it")
    return limits


def _rate(reader: Reader, name: str, limits: Limits) -> Limits:
    """Read a text such as ``100/minute``, or a number of requests a minute."""
    value = reader.members.get(name)
    if not isinstance(value, str) or value.strip().isdecimal():
        return replace(limits, rpm=reader.whole(name, least=1, most=_MOST))
    match = _RATE.fullmatch(value.strip())
    seconds = None if match is None else _SECONDS.get(match[2].lower())
    if match is None or seconds is None or int(match[1]) < 1:
        reader.error(name, "is not a rate", '"100/minute", with second, minute, hour or day')
        return limits
    return replace(limits, rpm=int(match[1]), request_window=seconds)


def _nested(reader: Reader, name: str) -> tuple[tuple[str, Limits], ...]:
    """Read limits of single routes or models."""
    table = reader.table(name)
    found: list[tuple[str, Limits]] = []
    for key in table.members:
        if name == "models" and unfit_name(key) is not None:
            table.error(key, "is not the code of a model", "the code of a model")
            continue
        if name == "routes" and key not in ROUTES:
            table.warn(key, "is not a path of this proxy", "a path such as /v1/chat/completions")
        if isinstance(table.members[key], Mapping):
            within = table.table(key)
            within.unknown(_KNOWN)
            found.append((key, _plain(within)))
        else:
            found.append((key, _rate(table, key, Limits())))
    return tuple(found)
