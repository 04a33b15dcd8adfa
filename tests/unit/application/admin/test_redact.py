"""Redaction of values that must not be shown."""

from __future__ import annotations

import pytest

from application.admin.diff import differences
from application.admin.redact import HIDDEN, discreet
from tests.builders import model_body

SECRET = "hunter2hunter2hunter2hunter2hunter2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", SECRET),
        ("api_key", "AZURE_OPENAI_API_KEY"),
        ("api_kye", SECRET),
        ("key", 12345),
        ("headers", {"x": [SECRET]}),
        ("secret_name", SECRET),
        ("secret_name", f"sk-{SECRET}"),
        ("secret_name", {"a": SECRET}),
        ("endpoint", SECRET),
        ("endpoint", f"ftp://{SECRET}"),
        ("endpoint", f"https://[{SECRET}"),
        ("api_base", 5),
    ],
)
def test_a_parameter_that_may_be_a_secret_is_not_shown(name: str, value: object) -> None:
    assert discreet(("parameters", name), value) is HIDDEN
    assert "hunter2" not in repr(differences(model_body(), model_body(parameters={name: value})))
    assert "hunter2" not in repr(differences(model_body(parameters={name: value}), model_body(parameters=None)))
    assert "hunter2" not in repr(differences(model_body(parameters=7), model_body(parameters={name: value})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_name", "AZURE_OPENAI_API_KEY"),
        ("secret_name", "SP-BRIDGE-4852-DEV"),
        ("secret_name", "OPENAIKEY"),
        ("deployment_name", "gpt-4o"),
        ("temperature", 1),
        ("max_tokens", "300"),
        ("unheard_of", True),
        ("endpoint", "AZURE_OPENAI_ENDPOINT"),
        ("endpoint", "https://name.openai.azure.com/base"),
        ("endpoint", "http://[::1]:8080/v1"),
    ],
)
def test_other_parameters_are_shown_as_they_are(name: str, value: object) -> None:
    assert discreet(("parameters", name), value) == value


def test_an_address_is_shown_without_password_and_query() -> None:
    address = f"https://{SECRET}:{SECRET}@host.example:8443/v1?sig={SECRET}#{SECRET}"
    assert discreet(("parameters", "endpoint"), address) == "https://...@host.example:8443/v1?..."


def test_unknown_members_of_the_document_are_redacted_by_their_names() -> None:
    assert discreet(("apiKey",), SECRET) is HIDDEN
    assert discreet(("auth", "value"), SECRET) is HIDDEN
    assert discreet(("notes",), [{"owner": "ann", "password": SECRET}]) == [{"owner": "ann", "password": HIDDEN}]
    assert discreet(("costs", "cost_input_1Mtokens"), 5) == 5


def test_a_list_in_place_of_parameters_is_not_shown() -> None:
    assert discreet(("parameters",), [SECRET]) is HIDDEN
    assert discreet(("parameters",), {"api_key": SECRET, "timeout": 5}) == {"api_key": HIDDEN, "timeout": 5}
    assert discreet(("parameters",), None) is None


def test_a_number_of_tokens_is_not_redacted() -> None:
    assert discreet(("max_output_tokens",), 16_384) == 16_384
    (changed,) = differences(model_body(max_output_tokens=1), model_body(max_output_tokens=2))
    assert (changed.old, changed.new) == (1, 2)
