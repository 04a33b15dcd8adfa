"""The most that a call can cost, for budgets that must never be passed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from application.serving.limits.estimate import (
    Estimate,
    HighestPrices,
    ceiling_of,
    choices_of,
    costs_of,
    highest_cost,
)
from application.serving.use_case import UseCase
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.usage import MeasureAudio

_ATTACHED = re.compile(rb'"(?:image_url|input_image|input_audio|input_file|file|file_id|file_url|audio)"')
_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
_OWN_TOOLS = frozenset({"function", "custom"})
_OVERHEAD = 64
"""Tokens that a template may add to an empty call; each message brings more bytes of JSON than tokens of a template."""
_FEWEST_BYTES_A_SECOND = 500
"""Of recordings whose length cannot be read: less than any codec for speech needs."""


def most_of_text(call: Call, candidates: Sequence[ModelDocument], highest: HighestPrices) -> Estimate:
    """Return the most that a call of an endpoint in ``TEXTS`` can cost, for budgets that must never be passed.

    Raises:
        InvalidRequestError: nobody can know it as the request and the documents stand; says what is needed.
    """
    _refuse_hosted_tools(call)
    size, widest, without = sum(map(len, call.fields.values())) + _OVERHEAD, 0, None
    for document in candidates:
        window = document.context_window
        if window is None:
            without = without or document
        elif window > widest:
            widest = window
    if _holds_more_than_text(call):
        if without is not None:
            raise _unknown("the input has more than text in it", "`context_window`", without)
        size = widest
    elif without is None:
        size = min(size, widest)
    received = 0
    if call.endpoint is not Endpoint.EMBEDDINGS:
        for document in candidates:
            ceiling = ceiling_of(call, document) or document.max_output_tokens
            if ceiling is None:
                what = "the request has no `max_completion_tokens`"
                raise _unknown(what, "`max_output_tokens`", document)
            received = max(received, ceiling)
        received *= choices_of(call) * _prompts(call)
    return Estimate(size, received, costs_of(size, received, candidates, highest))


def _prompts(call: Call) -> int:
    """Return how many prompts a completion completes."""
    if call.endpoint is not Endpoint.COMPLETIONS:
        return 1
    value = json.loads(bytes(call.fields["prompt"]))
    return max(1, len(value)) if isinstance(value, list) and value and not isinstance(value[0], int) else 1


def _holds_more_than_text(call: Call) -> bool:
    """Return whether the size of the body does not bound its tokens: attachments, and what the upstream keeps."""
    fields = call.fields
    if call.endpoint is Endpoint.RESPONSES and any(bytes(fields.get(name, b"null")) != b"null" for name in _ELSEWHERE):
        return True
    for name in ("messages", "input"):
        raw = fields.get(name)
        if raw is not None and _ATTACHED.search(raw):
            return True
    return False


def _refuse_hosted_tools(call: Call) -> None:
    fields = call.fields
    if "tools" not in fields and "web_search_options" not in fields:
        return
    tools = json.loads(bytes(fields.get("tools", b"null")))
    hosted = [tool for tool in tools or () if not isinstance(tool, dict) or tool.get("type") not in _OWN_TOOLS]
    if hosted or bytes(fields.get("web_search_options", b"null")) != b"null":
        raise InvalidRequestError(
            "This project has a strict budget, and the cost of tools that the provider runs is not known before the "
            "call: remove them, or ask for a budget that is not strict.",
            param="tools",
            code="cost_not_bounded",
        )


def _unknown(what: str, field: str, document: ModelDocument) -> InvalidRequestError:
    return InvalidRequestError(
        f"This project has a strict budget, and the most that this call can cost is not known: {what}, and the "
        f"document of the model `{document.code}` has no {field}.",
        param="max_completion_tokens" if "max_output" in field else None,
        code="cost_not_bounded",
    )


async def most_of_other(
    use_case: UseCase, call: Call, candidates: Sequence[ModelDocument], highest: HighestPrices, length_ms: MeasureAudio
) -> Estimate:
    """Return the most that any other call can cost.

    Raises:
        InvalidRequestError: see ``most_of_text``.
    """
    usage = use_case.estimate_input(call)
    if use_case.measure is not None:
        length = await asyncio.to_thread(use_case.measure, call, length_ms)
        size = sum(part.content.size for part in call.form.files("file")) if call.form is not None else 0
        milliseconds = length.milliseconds if length.exact else size * 1000 // _FEWEST_BYTES_A_SECOND
        usage = replace(usage, audio_milliseconds=milliseconds + 1000)
    if use_case.adjust_usage is not None:
        usage = use_case.adjust_usage(call, usage, False)  # noqa: FBT003 - see UseCase
    costs: dict[str, int] = {}
    for document in candidates:
        currency = document.prices.currency
        if use_case.unit is not None and document.prices[use_case.unit] is not None:
            cost = highest_cost(usage, document.prices)
        elif document.max_output_tokens is None or document.context_window is None:
            what = f"{call.endpoint.operation} is priced by tokens"
            raise _unknown(what, "`context_window` and `max_output_tokens`", document)
        else:
            made = document.max_output_tokens * max(usage.images, 1)
            cost = costs_of(document.context_window, made, [document], highest)[currency]
        costs[currency] = max(cost, costs.get(currency, 0))
    return Estimate(usage.input_tokens, usage.output_tokens, costs)
