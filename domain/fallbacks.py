"""Fallbacks to other models: the reasons for which a document may name them, and which errors give one."""

from __future__ import annotations

import re
from enum import StrEnum

from domain.errors import (
    GatewayError,
    QuotaExceededError,
    RateLimitedError,
    UnavailableError,
    UpstreamError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)


class FallbackReason(StrEnum):
    """The reasons, as documents spell them."""

    UNAVAILABLE = "unavailable"
    """Every deployment failed, or is at its limits."""
    CONTEXT_LENGTH = "context_length"
    """The request is too long for the model."""
    CONTENT_FILTER = "content_filter"
    """The upstream's content filter refused the request."""
    BUDGET = "budget"
    """A budget of the project or the key cannot pay for the call."""


_CODES = {
    "context_length_exceeded": FallbackReason.CONTEXT_LENGTH,  # OpenAI, Azure, and servers that follow them
    "string_above_max_length": FallbackReason.CONTEXT_LENGTH,  # OpenAI
    "content_filter": FallbackReason.CONTENT_FILTER,  # Azure
    "content_policy_violation": FallbackReason.CONTENT_FILTER,  # OpenAI images
    "responsibleaipolicyviolation": FallbackReason.CONTENT_FILTER,  # Azure's inner error
}

_TEXTS = re.compile(
    r"prompt is too long"  # Anthropic, docs.anthropic.com/en/api/errors
    r"|maximum context length"  # OpenAI, vLLM, Mistral
    r"|exceeds the maximum number of tokens"  # Gemini
    r"|input token count .* exceeds"  # Gemini
    r"|too many tokens"  # Cohere
    r"|context window",  # llama.cpp, xAI
    re.IGNORECASE,
)
"""Messages of vendors that report a request that is too long without a code for it."""


def reason_of(error: GatewayError) -> FallbackReason | None:
    """Return the reason to try other models after an error; None if they must not be tried.

    Not after a time-out: the answer may have been made, and charged, all the same.
    """
    if isinstance(error, UpstreamRefusedError):
        known = _CODES.get((error.code or "").lower())
        if known is not None:
            return known
        if error.status in {400, 413, 422} and _TEXTS.search(error.message):
            return FallbackReason.CONTEXT_LENGTH
    if isinstance(error, QuotaExceededError):
        return FallbackReason.BUDGET
    if isinstance(error, UpstreamTimeoutError):
        return None
    if isinstance(error, UnavailableError | RateLimitedError) or (isinstance(error, UpstreamError) and error.retryable):
        return FallbackReason.UNAVAILABLE
    return None
