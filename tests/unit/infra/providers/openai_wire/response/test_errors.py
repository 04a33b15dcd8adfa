"""Errors of upstreams, as callers see them, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import (
    DeploymentUnusableError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
)
from domain.model import Parameters
from domain.vendors import ModelType
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.openai_wire.response.errors import retry_after, upstream_error
from infra.providers.openai_wire.response.redact import redact
from infra.providers.reported_usage import UnknownMembers
from tests.builders import model_document

KEY = "sk-proj-abcdefGHIJKL0123456789wxyz"
HTML = b"<html><body>502 Bad Gateway at meu-recurso.openai.azure.com</body></html>"


@pytest.fixture(name="deployment")
def _deployment() -> ResolvedDeployment:
    parameters = Parameters(
        api_key=KEY,
        endpoint="https://meu-recurso.openai.azure.com",
        deployment_name="Deploy-7",
        api_version="2024-10-21",
    )
    document = model_document(code="gpt-4", model_type=ModelType.AZURE_OPENAI, parameters=parameters)
    return resolve_deployment(document, lambda _: None, "llmproxy", UnknownMembers())


def error(
    status: int, body: object, deployment: ResolvedDeployment, headers: dict[bytes, bytes] | None = None
) -> GatewayError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return upstream_error(status, headers or {}, raw, deployment)


def shown(error: GatewayError) -> tuple[Any, ...]:
    assert isinstance(error, UpstreamRefusedError), error
    return error.status, error.message, error.kind, error.param, error.code


OPENAI = {
    "message": "Too long.",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}


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
def test_errors_come_through(
    status: int, body: object, expected: tuple[Any, ...], deployment: ResolvedDeployment
) -> None:
    assert shown(error(status, body, deployment)) == expected


@pytest.mark.parametrize("body", [b"", HTML, b"null", b"[]", b'"x"', b"{}", b'{"error":{"message', b'{"error":{}}'])
def test_what_cannot_be_read_becomes_a_plain_sentence(body: bytes, deployment: ResolvedDeployment) -> None:
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
        (402, {"error": {"message": "Insufficient credits"}}),
        (403, {"error": {"message": "Country not supported", "code": "unsupported_country_region_territory"}}),
        (403, HTML),
        (200, {"error": {"message": "No auth", "code": 401}}),
    ],
)
def test_trouble_with_our_account_is_not_the_callers(status: int, body: object, deployment: ResolvedDeployment) -> None:
    found = error(status, body, deployment)
    assert isinstance(found, UpstreamCredentialError)
    assert KEY not in f"{found.message} {found.reason}"


def test_what_operators_read_of_it_names_neither_key_nor_address(deployment: ResolvedDeployment) -> None:
    told = f"{KEY} at https://meu-recurso.openai.azure.com/openai"
    refused_to_us = error(401, {"error": {"message": told, "type": f"t {told}", "code": f"c {told}"}}, deployment)
    unknown = error(404, {"error": {"message": "Not found", "type": f"t {told}", "code": f"c {told}"}}, deployment)
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
        (404, {"error": {"message": "Invalid URL (POST /v1/v1/chat/completions)"}}),
        (404, {"detail": "Not Found"}),
        (404, {"code": "Some requested entity was not found", "error": "The model grok does not exist"}),
        (404, b""),
        (405, HTML),
    ],
)
def test_what_the_upstream_does_not_know_is_the_documents_fault(
    status: int, body: object, deployment: ResolvedDeployment
) -> None:
    assert isinstance(error(status, body, deployment), DeploymentUnusableError)


@pytest.mark.parametrize(("status", "body"), [(302, b""), (307, HTML), (204, b""), (600, b"{}"), (200, b"{x")])
def test_no_answer_at_all(status: int, body: bytes, deployment: ResolvedDeployment) -> None:
    assert isinstance(error(status, body, deployment), UpstreamProtocolError)


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        (f"key {KEY}.", "key ***."),
        ("key sk-pro***wxyz!", "key ***!"),
        (f"key {KEY[:12]}...", "key ***"),
        ("key ****************wxyz", "key ***"),
        ("see https://MEU-RECURSO.openai.azure.com:443/openai/x?y=1 now", "see the upstream now"),
        ("host meu-recurso.openai.azure.com is busy", "host the upstream is busy"),
        ("resource 'meu-recurso' is busy", "resource 'the upstream' is busy"),
        ("deployment deploy-7 has no tools", "deployment gpt-4 has no tools"),
        ("deploy-77 and my-deploy-7", "deploy-77 and my-deploy-7"),
        ("limit reached in organization org-AbCd12345678 today", "limit reached in organization *** today"),
        ("nothing **special** here", "nothing **special** here"),
    ],
)
def test_scrubbing(said: str, clean: str, deployment: ResolvedDeployment) -> None:
    assert redact(said, deployment) == clean


def test_every_member_is_scrubbed(deployment: ResolvedDeployment) -> None:
    found = error(400, {"error": {"message": KEY, "type": KEY, "param": KEY, "code": KEY}}, deployment)
    assert shown(found) == (400, "***", "***", "***", "***")


def test_a_very_long_message_is_cut(deployment: ResolvedDeployment) -> None:
    assert len(shown(error(400, {"error": {"message": "x" * 100_000}}, deployment))[1]) < 2100


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


def test_the_wait_comes_through(deployment: ResolvedDeployment) -> None:
    found = error(429, {"error": {"message": "slow"}}, deployment, {b"retry-after": b"7"})
    assert isinstance(found, UpstreamRefusedError)
    assert found.retry_after == 7
    assert found.retryable
