"""LiteLLM's bookkeeping, switched off: it takes more time than the call, and the ledger is ours to keep."""

from __future__ import annotations

from typing import Any

_SYNC = (
    "pre_call",
    "post_call",
    "success_handler",
    "failure_handler",
    "handle_sync_success_callbacks_for_async_calls",
    "response_cost_calculator",
    "_response_cost_calculator",
)
_ASYNC = (
    "async_success_handler",
    "async_failure_handler",
    "dispatch_success_handlers",
    "dispatch_failure_handlers",
)


def quiet(logging_class: type) -> type:
    """A subclass of LiteLLM's per-call logging object that accepts every report and does nothing with it.

    LiteLLM takes such an object as the argument ``litellm_logging_obj``. Without it every call computes a price, builds
    a log record and masks it, which is half of its time.
    """
    members: dict[str, object] = dict.fromkeys(_SYNC, _nothing) | dict.fromkeys(_ASYNC, _nothing_async)
    # LiteLLM's streams look here whether anybody wants the upstream's usage; without it some of them drop it.
    members["stream_options"] = {"include_usage": True}
    return type("QuietLogging", (logging_class,), members)


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Take any report."""


async def _nothing_async(*_args: Any, **_kwargs: Any) -> None:
    """Take any report."""
