from __future__ import annotations

import json

import pytest

from domain import errors
from infra.controllers.errors import INTERNAL, TABLE, body_of, headers_of, status_of

MEMBERS = {"message", "type", "param", "code"}


def test_the_fixed_body_for_faults_of_ours_has_openais_shape() -> None:
    assert set(json.loads(INTERNAL)["error"]) == MEMBERS


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (errors.InvalidApiKeyError("no"), 401, "invalid_request_error", "invalid_api_key"),
        (errors.ModelNotFoundError("m"), 404, "invalid_request_error", "model_not_found"),
        (errors.RateLimitedError("slow"), 429, "requests", "rate_limit_exceeded"),
        (errors.QuotaExceededError("spent"), 429, "insufficient_quota", "insufficient_quota"),
        (errors.UpstreamTimeoutError(), 504, "timeout_error", "upstream_timeout"),
        (errors.UpstreamRefusedError(418, "tea", kind="pot", code="brew"), 418, "pot", "brew"),
        (errors.UpstreamRefusedError(500, "oops"), 500, "api_error", None),
    ],
)
def test_status_and_shape(error: errors.GatewayError, status: int, kind: str, code: str | None) -> None:
    assert status_of(error) == status
    body = json.loads(body_of(error))["error"]
    assert set(body) == MEMBERS
    assert (body["type"], body["code"]) == (kind, code)


def test_the_reason_for_operators_never_reaches_the_caller() -> None:
    for error in (
        errors.UpstreamUnreachableError(reason="10.1.2.3 refused"),
        errors.DeploymentUnusableError("AZURE_KEY is not set"),
    ):
        assert b"10.1.2.3" not in body_of(error)
        assert b"AZURE_KEY" not in body_of(error)


@pytest.mark.parametrize(
    ("seconds", "whole", "millis"), [(0.2, b"1", b"200"), (7, b"7", b"7000"), (1.5, b"2", b"1500")]
)
def test_retry_after_in_both_spellings(seconds: float, whole: bytes, millis: bytes) -> None:
    headers = dict(headers_of(errors.RateLimitedError("slow", retry_after=seconds)))
    assert (headers[b"retry-after"], headers[b"retry-after-ms"]) == (whole, millis)


def test_a_spent_budget_is_not_to_be_retried() -> None:
    assert dict(headers_of(errors.QuotaExceededError("spent")))[b"x-should-retry"] == b"false"
    assert b"x-should-retry" not in dict(headers_of(errors.RateLimitedError("slow")))


def test_what_cannot_be_served_now_says_when_to_come_back() -> None:
    assert b"retry-after" in dict(headers_of(errors.NotReadyError("soon")))


def test_no_status_is_outside_the_errors() -> None:
    assert all(400 <= row.status <= 599 for row in TABLE.values())
