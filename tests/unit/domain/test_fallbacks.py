"""Reasons to try other models, for every kind of error."""

from __future__ import annotations

import pytest

from domain import errors
from domain.documents import read_model
from domain.errors import UpstreamRefusedError
from domain.fallbacks import FallbackReason, reason_of
from tests.builders import model_body

UNAVAILABLE = FallbackReason.UNAVAILABLE
REASONS: list[tuple[errors.GatewayError, FallbackReason | None]] = [
    (errors.UpstreamUnreachableError(), UNAVAILABLE),
    (errors.UpstreamProtocolError(), UNAVAILABLE),
    (errors.UpstreamCredentialError(), UNAVAILABLE),
    (errors.DeploymentUnusableError("no secret"), UNAVAILABLE),
    (errors.RateLimitedError("at its limits"), UNAVAILABLE),
    (UpstreamRefusedError(503, "busy"), UNAVAILABLE),
    (UpstreamRefusedError(429, "slow down"), UNAVAILABLE),
    (errors.UpstreamQuotaError(), UNAVAILABLE),
    (errors.QuotaExceededError("spent"), FallbackReason.BUDGET),
    (errors.BudgetUnavailableError("not now"), UNAVAILABLE),
    (errors.UpstreamTimeoutError(), None),
    (UpstreamRefusedError(400, "temperature is too high"), None),
    (UpstreamRefusedError(404, "prompt is too long"), None),
    (errors.InvalidRequestError("no"), None),
    (errors.CallerGoneError(), None),
    (UpstreamRefusedError(400, "x", code="context_length_exceeded"), FallbackReason.CONTEXT_LENGTH),
    (UpstreamRefusedError(400, "prompt is too long: 9 tokens > 8 maximum"), FallbackReason.CONTEXT_LENGTH),
    (UpstreamRefusedError(400, "This model's maximum context length is 8 tokens."), FallbackReason.CONTEXT_LENGTH),
    (UpstreamRefusedError(400, "The input token count (9) exceeds the limit"), FallbackReason.CONTEXT_LENGTH),
    (UpstreamRefusedError(400, "x", code="content_filter"), FallbackReason.CONTENT_FILTER),
    (UpstreamRefusedError(400, "x", code="ResponsibleAIPolicyViolation"), FallbackReason.CONTENT_FILTER),
]


@pytest.mark.parametrize(("error", "reason"), REASONS)
def test_reason(error: errors.GatewayError, reason: FallbackReason | None) -> None:
    assert reason_of(error) is reason


def test_a_list_is_for_unavailable_and_an_object_names_the_reasons() -> None:
    model, _ = read_model(model_body(fallbacks=["a", "b", "a", "sim"]))
    assert model is not None
    assert model.fallbacks_for == {UNAVAILABLE: ("a", "b")}
    model, faults = read_model(
        model_body(fallbacks={"context_length": ["long"], "unavailable": ["a"], "other": ["b"], "budget": ["c"]})
    )
    assert model is not None
    assert model.fallbacks_for == {
        UNAVAILABLE: ("a",),
        FallbackReason.CONTEXT_LENGTH: ("long",),
        FallbackReason.BUDGET: ("c",),
    }
    assert model.fallbacks == ("a", "long", "c")
    assert any("other" in str(fault) for fault in faults)
