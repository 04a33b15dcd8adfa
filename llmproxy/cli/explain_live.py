"""The part of ``llmproxy explain`` that only a running server knows: health, circuit breakers, load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmproxy.cli.output import table
from llmproxy.cli.server_api import ServerApi

_OPEN = "open"
_HEADERS = ("document", "status", "circuit breaker", "failures", "calls under way", "seconds", "error")


def live_states(url: str, documents: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Ask a running server for the states of deployments, by document id; those that it does not know are missing.

    Raises:
        click.ClickException: the server cannot be asked.
    """
    providers: Mapping[str, Any] = ServerApi(url).call("GET", "/health/providers")["providers"]
    rows = (row for provider in providers.values() for row in provider["deployments"])
    return {row["id"]: row for row in rows if row["id"] in documents}


def live_table(states: Mapping[str, Mapping[str, Any]], documents: Sequence[str]) -> str:
    """Show the states as the process that answered sees them, and say which deployments it would call last."""
    rows = [_row(document, states.get(document)) for document in documents]
    lines = [table(_HEADERS, rows, right=frozenset({"failures", "calls under way", "seconds"}))]
    last = [document for document in documents if _breaker(states.get(document)).get("state") == _OPEN]
    if last and len(last) < len(documents):
        lines.append(f"called only where every other one fails: {', '.join(last)}")
    return "\n".join(lines)


def _breaker(state: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {} if state is None else state["circuit_breaker"]
    return found


def _row(document: str, state: Mapping[str, Any] | None) -> tuple[object, ...]:
    if state is None:
        return document, "not in service", "", "", "", "", ""
    breaker = _breaker(state)
    return (
        document,
        state["status"],
        breaker["state"],
        breaker["failure_count"],
        state["calls_under_way"],
        "" if state["response_time"] is None else state["response_time"],
        state["error"] or "",
    )
