"""A whole answer: count it, settle, hand it over."""

from __future__ import annotations

from application.ports.providers import Answer
from application.serving.exchange import Exchange
from application.serving.settle import Settle
from domain.usage import Usage, UsageSource


def finish(exchange: Exchange, answer: Answer, settle: Settle) -> None:
    """Record the line of a call that was answered as a whole."""
    usage, source = answer.usage, UsageSource.MEASURED
    if usage is None:
        source = UsageSource.ESTIMATED
        usage = Usage(
            input_tokens=exchange.use_case.estimate_input(exchange.call),
            output_tokens=exchange.use_case.estimate_output(answer.body),
        )
    settle(exchange, status=200, usage=usage, source=source)
