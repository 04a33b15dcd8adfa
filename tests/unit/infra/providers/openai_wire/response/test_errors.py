"""Errors of upstreams, as callers see them, without secrets."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import (
    DeploymentUnusableError,
    UpstreamCredentialError,
    UpstreamOperationError,
    UpstreamProtocolError,
    UpstreamQuotaError,
    UpstreamRefusedError,
)
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.response.errors import retry_after
from tests.unit.infra.providers.openai_wire.response.conftest import KEY, OPENAI, error, shown

HTML = b"<html><body>502 Bad Gateway at meu-recurso.openai.azure.com</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": OPENAI}, (400, *OPENAI.values())),
        (400, [{"error": OPENAI}], (400, *OPENAI.values())),
        (400, {"error": {"code": 400, "message": "x", "metadata": {}}}, (400, "x", None, None, None)),
        (429, {"error": {"code": "429", "message": "Slow down"}}, (429, "Slow down", None, None, "429")),
        (400, {"error": "text"}, (400, "text", None, None, None)),
        (400, {"code": "invalid-argument", "error": "text"}, (400, "text", None, None, "invalid-argument")),
        (400, {"object": "error", "message": "m", "type": "T", "param": None, "code": 1}, (400, "m", "T", None, None)),
        (422, {"detail": "d"}, (422, "d", None, None, None)),
        (422, {"detail": [{"loc": ["body"], "msg": "a"}, {"msg": "b"}]}, (422, "a; b", None, None, None)),
        (422, {"message": {"detail": [{"msg": "a"}]}}, (422, "a", None, None, None)),
        (403, {"error": {"message": "Your input was flagged"}}, (403, "Your input was flagged", None, None, None)),
        (
            404,
            {"error": {"message": "No endpoints support tools"}},
            (404, "No endpoints support tools", None, None, None),
        ),
        (200, {"error": {"message": "m", "code": 429}}, (429, "m", None, None, None)),
        (200, {"error": {"message": "m"}}, (502, "m", None, None, None)),
    ],
)
def test_errors_are_passed_on(
    status: int, body: object, expected: tuple[Any, ...], deployment: ResolvedDeployment
) -> None:
    assert shown(error(status, body, deployment)) == expected


@pytest.mark.parametrize("body", [b"", HTML, b"null", b"[]", b'"x"', b"{}", b'{"error":{"message', b'{"error":{}}'])
def test_unreadable_errors_get_a_generic_message(body: bytes, deployment: ResolvedDeployment) -> None:
    status, message, *rest = shown(error(503, body, deployment))
    assert status == 503
    assert "503" in message
    assert "meu-recurso" not in message
    assert rest == [None, None, None]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        (401, HTML),
        (403, {"error": {"message": "Country not supported", "code": "unsupported_country_region_territory"}}),
        (403, HTML),
        (200, {"error": {"message": "No auth", "code": 401}}),
    ],
)
def test_errors_about_our_credential_are_not_the_callers(
    status: int, body: object, deployment: ResolvedDeployment
) -> None:
    found = error(status, body, deployment)
    assert isinstance(found, UpstreamCredentialError)
    assert KEY not in f"{found.message} {found.reason}"


def test_reasons_in_the_log_have_neither_key_nor_address(deployment: ResolvedDeployment) -> None:
    told = f"{KEY} at https://meu-recurso.openai.azure.com/openai"
    refused_to_us = error(401, {"error": {"message": told, "type": f"t {told}", "code": f"c {told}"}}, deployment)
    unknown = error(
        404, {"error": {"message": "No model found: not found", "type": f"t {told}", "code": f"c {told}"}}, deployment
    )
    assert isinstance(refused_to_us, UpstreamCredentialError)
    assert isinstance(unknown, DeploymentUnusableError)
    for reason in (str(refused_to_us.reason), unknown.reason):
        assert "type t *** at the upstream, code c *** at the upstream" in reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}),
        (404, {"error": {"code": "model_not_found", "message": "The model `x` does not exist"}}),
        (403, {"error": {"code": "model_not_found", "message": "Project has no access to model"}}),
        (404, {"code": "Some requested entity was not found", "error": "The model grok does not exist"}),
        (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}),
    ],
)
def test_a_model_that_the_upstream_does_not_know_is_a_fault_of_the_document(
    status: int, body: object, deployment: ResolvedDeployment
) -> None:
    assert isinstance(error(status, body, deployment), DeploymentUnusableError)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"message": "Invalid URL (POST /v1/v1/chat/completions)"}}),
        (404, {"detail": "Not Found"}),
        (404, b"404 page not found"),
        (404, b""),
        (405, HTML),
        (405, {"detail": "Method Not Allowed"}),
        (501, {"error": {"message": "embeddings are not implemented"}}),
    ],
)
def test_a_path_that_the_upstream_does_not_know_is_an_operation_that_it_lacks(
    status: int, body: object, deployment: ResolvedDeployment
) -> None:
    found = error(status, body, deployment)
    assert isinstance(found, UpstreamOperationError)
    assert found.retryable  # another deployment may have it


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (402, {"error": {"message": "Insufficient credits"}}),
        (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
        (429, {"error": {"message": "m", "type": "insufficient_quota", "code": None}}),
        (429, {"error": {"message": "m", "type": "exceeded_current_quota_error"}}),
        (200, {"type": "response.failed", "response": {"error": {"code": "insufficient_quota", "message": "m"}}}),
        (200, {"type": "error", "code": "insufficient_quota", "message": "m"}),
    ],
)
def test_the_quota_of_our_account_is_not_the_callers(status: int, body: object, deployment: ResolvedDeployment) -> None:
    found = error(status, body, deployment)
    assert isinstance(found, UpstreamQuotaError)
    assert found.retryable  # another deployment may have another account


@pytest.mark.parametrize(
    "body",
    [
        b"the upstream's own words",
        b'{"error":{"message":"the upstream\'s own words"}}',
        b'[{"error":{"message":"the upstream\'s own words"}}]',
        b'{"error":[{"message":"the upstream\'s own words"}]}',
        b'{"errors":[{"detail":"the upstream\'s own words"}]}',
        b'{"errors":["the upstream\'s own words"]}',
        b'data: {"error":{"message":"the upstream\'s own words"}}\n\n',
        b'event: error\r\ndata: {"error":{"message":"the upstream\'s own words"}}\r\n\r\ndata: [DONE]\r\n\r\n',
        b'data: {"type":"response.failed","response":{"error":{"message":"the upstream\'s own words"}}}\n\n',
    ],
)
def test_the_message_survives_in_every_form(body: bytes, deployment: ResolvedDeployment) -> None:
    assert shown(error(500, body, deployment))[:2] == (500, "the upstream's own words")


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ({"type": "invalid_request_error"}, 400),
        ({"code": "invalid_prompt"}, 400),
        ({"code": "rate_limit_exceeded"}, 429),
        ({"type": "overloaded_error"}, 503),
        ({"code": "server_error"}, 500),
        ({"type": "new"}, 502),
    ],
)
def test_errors_within_a_stream_get_the_status_of_their_kind(
    named: dict[str, str], status: int, deployment: ResolvedDeployment
) -> None:
    assert shown(error(200, {"error": {"message": "m"} | named}, deployment))[0] == status


@pytest.mark.parametrize(("status", "body"), [(302, b""), (307, HTML), (204, b""), (600, b"{}"), (200, b"{x")])
def test_redirects_and_invalid_bodies_are_protocol_errors(
    status: int, body: bytes, deployment: ResolvedDeployment
) -> None:
    assert isinstance(error(status, body, deployment), UpstreamProtocolError)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"7"}, 7),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after": b"7", b"retry-after-ms": b"250"}, 0.25),
        ({b"retry-after": b"Sat, 21 Nov 2026 10:00:30 GMT", b"date": b"Sat, 21 Nov 2026 10:00:00 GMT"}, 30),
        ({b"retry-after": b"Sat, 21 Nov 2020 10:00:30 GMT"}, 0),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"inf"}, None),
        ({b"retry-after": b"-3"}, 0),
        ({b"retry-after": b"9999999"}, None),
    ],
)
def test_retry_after(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_the_retry_delay_is_passed_on(deployment: ResolvedDeployment) -> None:
    found = error(429, {"error": {"message": "slow"}}, deployment, {b"retry-after": b"7"})
    assert isinstance(found, UpstreamRefusedError)
    assert found.retry_after == 7
    assert found.retryable
