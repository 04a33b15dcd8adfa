"""LiteLLM's accounting costs more time than the call: a price, a log record and its masking for each.

It cannot be switched off; no issue upstream is known. The proxy's ledger does this work.
"""

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


def apply() -> None:
    """Make LiteLLM's class of per-call logging objects, the argument ``litellm_logging_obj``, do nothing."""
    from litellm.litellm_core_utils.litellm_logging import Logging

    for name in _SYNC:
        setattr(Logging, name, _nothing)
    for name in _ASYNC:
        setattr(Logging, name, _nothing_async)
    # LiteLLM's streams read here whether the upstream's usage is wanted; without it some of them drop it.
    Logging.stream_options = {"include_usage": True}


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Ignore any report."""


async def _nothing_async(*_args: Any, **_kwargs: Any) -> None:
    """Ignore any report."""
