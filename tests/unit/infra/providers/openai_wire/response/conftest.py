"""A deployment whose key, address and names must not be in any error, and its errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import GatewayError, UpstreamRefusedError
from domain.model import Parameters
from domain.vendors import ModelType
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.openai_wire.response.errors import upstream_error
from infra.providers.reported_usage import UnknownMembers
from tests.builders import model_document

KEY = "sk-proj-abcdefGHIJKL0123456789wxyz"


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
