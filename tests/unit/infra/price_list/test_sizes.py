"""Lengths of prompts and responses from LiteLLM's list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from application.use_cases.list_models import Sizes
from domain.model import Parameters
from domain.vendors import ModelType
from infra.price_list.litellm_file import FILE
from infra.price_list.sizes import ListedSizes
from tests.builders import model_document

ENTRIES = {
    "sample_spec": {"max_input_tokens": "a text", "litellm_provider": "one of these"},
    "gpt-9": {"litellm_provider": "openai", "max_input_tokens": 900, "max_output_tokens": 90.0},
    "azure/gpt-9": {"litellm_provider": "azure", "max_input_tokens": 700},
    "azure/odd": {"litellm_provider": "azure", "max_input_tokens": "many", "max_output_tokens": 0},
}
UNKNOWN = Sizes()


@pytest.fixture
def sizes(tmp_path: Path) -> ListedSizes:
    (tmp_path / FILE).write_text(json.dumps(ENTRIES))
    return ListedSizes(lambda: tmp_path)


@pytest.mark.parametrize(
    ("model_type", "code", "deployment", "expected"),
    [
        ("OpenAI", "gpt-9", None, Sizes(900, 90)),
        ("AzureOpenAI", "gpt-9", None, Sizes(700, None)),
        ("AzureOpenAI", "ours", "gpt-9", Sizes(700, None)),
        ("AzureOpenAI", "odd", None, UNKNOWN),
        # A name that is only alike may be of a model with another window.
        ("OpenAI", "gpt-9-2030-01-01", None, UNKNOWN),
        ("OpenAI", "absent", None, UNKNOWN),
        ("OpenAICompatible", "gpt-9", None, UNKNOWN),
        ("Simulator", "gpt-9", None, UNKNOWN),
    ],
)
def test_a_model_is_known_by_its_exact_name(
    sizes: ListedSizes, model_type: str, code: str, deployment: str | None, expected: Sizes
) -> None:
    parameters = Parameters(deployment_name=deployment)
    document = model_document(id="x", code=code, model_type=ModelType(model_type), parameters=parameters)
    assert sizes.of(document) == expected


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"gpt-9": 5}'])
def test_without_a_list_nothing_is_known(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content)
    document = model_document(code="gpt-9", model_type=ModelType.OPENAI)
    assert ListedSizes(lambda: tmp_path).of(document) == UNKNOWN
    assert ListedSizes(lambda: None).of(document) == UNKNOWN


def test_the_list_of_the_installed_litellm_knows_common_models() -> None:
    known = ListedSizes().of(model_document(code="gpt-4o", model_type=ModelType.OPENAI))
    assert known.context_window is not None
    assert known.context_window > 100_000
    assert known.max_output_tokens is not None
