"""Parameters of deployments: aliases, needs by model type, request defaults, and hidden secrets."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from domain.documents.fault import Fault, Severity
from domain.documents.parameters import read_parameters
from domain.documents.reader import Reader
from domain.model import Parameters
from domain.vendors import ModelType

GOOD: dict[str, object] = {"secret_name": "PROVIDER_KEY", "endpoint": "https://host.test/"}


def read(
    members: dict[str, object], model_type: ModelType | None = ModelType.AZURE_OPENAI
) -> tuple[Parameters, list[Fault]]:
    faults: list[Fault] = []
    return read_parameters(Reader({"parameters": members}, "", faults), model_type, "gpt-4"), faults


def test_aliases_mean_the_same() -> None:
    parameters, faults = read(
        {"secret_name": "GOOGLE_KEY", "api_base": "https://a.test", "project_id": "p", "location": "l"},
        ModelType.GOOGLE_VERTEX,
    )
    assert faults == []
    assert (parameters.endpoint, parameters.gcp_project) == ("https://a.test", "p")


def test_numbers_may_be_written_as_text() -> None:
    parameters, faults = read(
        {**GOOD, "timeout": "300", "max_tokens": "100", "temperature": "0.5", "top_p": Decimal("0.9")}
    )
    assert faults == []
    assert parameters.timeout == 300.0
    assert parameters.defaults == {"max_tokens": 100, "temperature": 0.5, "top_p": 0.9}
    assert isinstance(parameters.defaults["max_tokens"], int)
    assert isinstance(parameters.defaults["top_p"], float)


def test_unknown_parameters_are_request_defaults_with_plain_numbers() -> None:
    parameters, faults = read({**GOOD, "safe_prompt": True, "extra": {"a": [Decimal("1.5"), 2, None]}, "stop": ["\n"]})
    assert faults == []
    assert parameters.defaults == {"safe_prompt": True, "extra": {"a": [1.5, 2, None]}, "stop": ["\n"]}


def test_the_deployment_is_named_like_the_model_where_nothing_else_is_said() -> None:
    assert read(GOOD)[0].deployment_name == "gpt-4"
    assert read(GOOD | {"deployment_name": "mine"})[0].deployment_name == "mine"
    assert read({**GOOD, "model": "theirs"})[0].deployment_name is None
    assert read({"secret_name": "K_K"}, ModelType.OPENAI)[0].deployment_name is None


@pytest.mark.parametrize(
    ("members", "model_type", "field", "severity"),
    [
        ({"secret_name": "A_KEY"}, ModelType.AZURE_OPENAI, "endpoint", "error"),
        ({"secret_name": "A_KEY"}, ModelType.AZURE_FOUNDRY, "endpoint", "error"),
        ({}, ModelType.OPENAI_COMPATIBLE, "endpoint", "error"),
        ({}, ModelType.LITELLM, "model", "error"),
        ({}, ModelType.OPENAI, "secret_name", "error"),
        ({}, ModelType.ANTHROPIC, "secret_name", "error"),
        ({"endpoint": "http://127.0.0.1:9"}, ModelType.OPENAI, "secret_name", "warning"),
        ({"endpoint": "https://a.test"}, ModelType.AZURE_OPENAI, "secret_name", "warning"),
        ({"secret_name": "A_KEY", "location": "l"}, ModelType.GOOGLE_VERTEX_CLAUDE, "gcp_project", "warning"),
        ({"secret_name": "A_KEY", "gcp_project": "p"}, ModelType.GOOGLE_VERTEX_META, "location", "warning"),
    ],
)
def test_what_a_model_type_needs(members: dict[str, object], model_type: ModelType, field: str, severity: str) -> None:
    faults = read(members, model_type)[1]
    assert [(fault.field, fault.severity.value) for fault in faults] == [(f"parameters.{field}", severity)]


@pytest.mark.parametrize("model_type", [ModelType.SIMULATOR, None])
def test_the_simulator_needs_nothing(model_type: ModelType | None) -> None:
    assert read({}, model_type)[1] == []


@pytest.mark.parametrize(
    ("changes", "field", "severity"),
    [
        ({"secret_name": "COSMOS_KEY"}, "secret_name", "error"),
        ({"secret_name": "cosmos-key"}, "secret_name", "error"),
        ({"secret_name": "LLMPROXY_DEMO_KEY"}, "secret_name", "error"),
        ({"model": "COSMOS_KEY"}, "model", "error"),
        ({"endpoint": "LLMPROXY_X"}, "endpoint", "error"),
        ({"secret_name": "sk-abc"}, "secret_name", "error"),
        ({"secret_name": '{"type": "service_account"}'}, "secret_name", "error"),
        ({"secret_name": "X" * 200}, "secret_name", "error"),
        ({"secret_name": 5}, "secret_name", "error"),
        ({"endpoint": "host.test"}, "endpoint", "error"),
        ({"endpoint": "ftp://host.test"}, "endpoint", "error"),
        ({"endpoint": "https://[bad"}, "endpoint", "error"),
        ({"endpoint": "https://host.test:99999"}, "endpoint", "error"),
        ({"endpoint": "https://user:pass@host.test"}, "endpoint", "error"),
        ({"endpoint": "https://host.test/?api-version=1"}, "endpoint", "error"),
        ({"api_base": "https://other.test"}, "endpoint", "error"),
        ({"timeout": 0}, "timeout", "error"),
        ({"timeout": 3601}, "timeout", "error"),
        ({"timeout": "soon"}, "timeout", "error"),
        ({"enable_tools": "maybe"}, "enable_tools", "error"),
        ({"temperature": "hot"}, "temperature", "error"),
        ({"max_tokens": 1.5}, "max_tokens", "error"),
        ({"max_tokens": True}, "max_tokens", "error"),
        ({"extra": float("nan")}, "extra", "error"),
        ({"extra": Decimal("1e999")}, "extra", "error"),
        ({"extra": ["\ud800"]}, "extra", "error"),
        ({"deploymnet_name": "x"}, "deploymnet_name", "warning"),
        ({"base_url": "x"}, "base_url", "warning"),
        ({"max_tokns": 5}, "max_tokns", "warning"),
        ({"stream": True}, "stream", "warning"),
        ({f"x{index}": 1 for index in range(300)}, "", "error"),
    ],
)
def test_faults(changes: dict[str, object], field: str, severity: str) -> None:
    faults = read(GOOD | changes)[1]
    assert [(fault.field, fault.severity.value) for fault in faults] == [(f"parameters.{field}".rstrip("."), severity)]


def test_nesting_without_end_is_an_error_and_no_crash() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    assert [fault.field for fault in read({**GOOD, "extra": deep})[1]] == ["parameters.extra"]


def test_what_looks_like_connection_data_does_not_travel_in_the_body() -> None:
    parameters, _ = read({**GOOD, "api_keey": "sk-secret", "apikey": "sk-secret", "stream": True, "max_tokns": 5})
    assert parameters.defaults == {"max_tokns": 5}


def test_a_literal_key_is_used_but_somebody_should_look() -> None:
    parameters, faults = read({"api_key": "sk-very-secret", "endpoint": "https://host.test"})
    assert parameters.api_key == "sk-very-secret"
    assert [(fault.field, fault.severity) for fault in faults] == [("parameters.api_key", Severity.WARNING)]
    assert read({"api_key": "AZURE_KEY", "endpoint": "https://host.test"})[1] == []


@pytest.mark.parametrize(
    "name", ["secret_name", "api_key", "endpoint", "model", "timeout", "enable_tools", "temperature", "extra"]
)
@pytest.mark.parametrize(
    "wrap",
    [str, lambda text: [text], lambda text: {text: text}, lambda text: f"https://u:{text}@h", lambda t: t + "\n"],
)
def test_no_fault_ever_shows_a_value(name: str, wrap: Callable[[str], object]) -> None:
    faults = read({**GOOD, name: wrap("hunter2 secret")})[1]
    assert "hunter2" not in " ".join(map(str, faults))


def test_neither_key_nor_address_is_in_the_repr_of_what_was_read() -> None:
    parameters, _ = read({"api_key": "hunter2", "endpoint": "https://internal.test", "extra": "hunter2"})
    assert "hunter2" not in repr(parameters)
    assert "internal" not in repr(parameters)
