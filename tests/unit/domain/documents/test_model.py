"""Model documents as operators write them: what is read, and every fault by its field."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.documents.fault import Fault, Severity, reason
from domain.documents.model import read_model
from domain.model import ModelDocument
from domain.operation import Operation
from domain.vendors import ModelType

EXAMPLES = sorted((Path(__file__).parents[4] / "deploy/examples/models").glob("*.json"))


def body(**changes: object) -> dict[str, object]:
    """Return a valid document with these members changed; ``...`` removes one."""
    members: dict[str, object] = {
        "id": "gpt-4-azure",
        "code": "gpt-4",
        "name": "GPT-4",
        "provider": "Azure",
        "model_type": "AzureOpenAI",
        "private": False,
        "projects": [],
        "parameters": {
            "secret_name": "AZURE_KEY",
            "endpoint": "https://x.openai.azure.com/",
            "api_version": "2024-02-01",
        },
        "operations": ["ChatCompletion"],
        "costs": {"currency": "USD", "cost_input_1Mtokens": 2, "cost_output_1Mtokens": "8.5"},
    } | changes
    return {name: value for name, value in members.items() if value is not ...}


def parameters(**changes: object) -> dict[str, object]:
    members = {"secret_name": "AZURE_KEY", "endpoint": "https://x.openai.azure.com/"} | changes
    return {name: value for name, value in members.items() if value is not ...}


def read(**changes: object) -> tuple[ModelDocument | None, tuple[Fault, ...]]:
    return read_model(body(**changes))


def found(**changes: object) -> dict[str, tuple[str, str]]:
    return {fault.field: (fault.severity.value, fault.expected) for fault in read(**changes)[1]}


def test_a_good_document_has_no_fault_and_every_field_arrives() -> None:
    document, faults = read_model(
        body(
            private=True,
            projects=["a", "b"],
            enabled=False,
            priority=2,
            weight="3",
            fallbacks=["gpt-4o"],
            limits={"rpm": 60, "tpm": "1000", "concurrency": 5},
            context_window=128_000,
            max_output_tokens="16384",
        ),
        version="v7",
    )
    assert faults == ()
    assert document is not None
    assert (document.id, document.code, document.name, document.provider) == ("gpt-4-azure", "gpt-4", "GPT-4", "Azure")
    assert document.model_type is ModelType.AZURE_OPENAI
    assert document.operations == {Operation.CHAT_COMPLETION}
    assert (document.private, document.projects, document.enabled) == (True, frozenset({"a", "b"}), False)
    assert (document.priority, document.weight, document.fallbacks) == (2, 3, ("gpt-4o",))
    assert (document.limits.rpm, document.limits.tpm, document.limits.concurrency) == (60, 1000, 5)
    assert (document.prices["input"], document.prices["output"]) == (Decimal(2), Decimal("8.5"))
    assert (document.context_window, document.max_output_tokens) == (128_000, 16_384)
    assert document.version == "v7"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_documents_read_without_an_error(path: Path) -> None:
    document, faults = read_model(json.loads(path.read_text(), parse_float=Decimal))
    assert document is not None, faults
    assert document.id == path.stem
    assert document.prices["input"] is not None


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


def test_null_counts_as_not_given() -> None:
    document, faults = read(
        code=None,
        name=None,
        private=None,
        projects=None,
        enabled=None,
        priority=None,
        weight=None,
        fallbacks=None,
        limits=None,
    )
    assert faults == ()
    assert document is not None
    assert (document.code, document.name, document.private, document.projects) == (
        document.id,
        document.id,
        False,
        frozenset(),
    )
    assert (document.enabled, document.priority, document.weight) == (True, 0, 1)


def test_members_of_the_store_are_no_fault() -> None:
    assert read(_rid="x", _self="x", _etag="x", _ts=1, _attachments="x")[1] == ()


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"id": ...}, "id", "gpt-4-azure"),
        ({"id": ""}, "id", "gpt-4-azure"),
        ({"id": 7}, "id", "text"),
        ({"id": "a/b"}, "id", ""),
        ({"id": "a\\b"}, "id", ""),
        ({"id": "a?b"}, "id", ""),
        ({"id": "a#b"}, "id", ""),
        ({"id": "a\nb"}, "id", ""),
        ({"id": "a\u200bb"}, "id", ""),
        ({"id": "a\ud800b"}, "id", ""),
        ({"id": " a"}, "id", ""),
        ({"id": "ü" * 128}, "id", ""),
        ({"code": ["gpt-4"]}, "code", "text"),
        ({"code": "gpt-4 "}, "code", ""),
        ({"name": 5}, "name", "text"),
        ({"provider": {}}, "provider", "text"),
        ({"model_type": ...}, "model_type", "AzureOpenAI"),
        ({"model_type": "AzureOpenAi"}, "model_type", "'AzureOpenAI'"),
        ({"model_type": "GoogleVertexClaud"}, "model_type", "'GoogleVertexClaude'"),
        ({"model_type": 3}, "model_type", "AzureOpenAI"),
        ({"operations": ...}, "operations", "ChatCompletion"),
        ({"operations": []}, "operations", "ChatCompletion"),
        ({"operations": "ChatCompletion"}, "operations", "ChatCompletion"),
        ({"operations": ["ChatCompletion", None, "Embeddings"]}, "operations[2]", "'embeddings'"),
        ({"operations": [3]}, "operations[0]", "ChatCompletion"),
        ({"operations": ["ChatCompletion"] * 100}, "operations", "at most 50"),
        ({"private": "yes"}, "private", "true or false"),
        ({"private": 1}, "private", "true or false"),
        ({"projects": "billing"}, "projects", "list"),
        ({"projects": [1]}, "projects[0]", "text"),
        ({"enabled": 0}, "enabled", "true or false"),
        ({"priority": 1.5}, "priority", "whole number"),
        ({"priority": True}, "priority", "number"),
        ({"priority": 10**400}, "priority", "number"),
        ({"priority": Decimal("1e999999")}, "priority", "number"),
        ({"weight": -1}, "weight", "number from 0"),
        ({"weight": Decimal("NaN")}, "weight", "number"),
        ({"fallbacks": "gpt-4o"}, "fallbacks", "list"),
        ({"limits": 5}, "limits", "object"),
        ({"context_window": 0}, "context_window", "number from 1"),
        ({"context_window": "128k"}, "context_window", "number"),
        ({"max_output_tokens": 0.5}, "max_output_tokens", "number from 1"),
        ({"max_output_tokens": 1.5}, "max_output_tokens", "whole number"),
        ({"max_output_tokens": 10**400}, "max_output_tokens", "number"),
        ({"limits": {"rpm": 0}}, "limits.rpm", "number from 1"),
        ({"limits": {"tpm": "many"}}, "limits.tpm", "number"),
        ({"costs": [1]}, "costs", "object"),
        ({"parameters": "x"}, "parameters", "object"),
    ],
)
def test_each_error_names_its_field_and_what_would_be_right(changes: dict[str, object], field: str, hint: str) -> None:
    document, faults = read(**changes)
    assert document is None
    errors = {fault.field: fault.expected for fault in faults if fault.severity is Severity.ERROR}
    assert hint in errors[field]


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"provider": ...}, "provider", "Azure"),
        ({"privat": True}, "privat", "'private'"),
        ({"colour": "red"}, "colour", "not read"),
        ({"private": True}, "projects", "ids"),
        ({"projects": ["billing"]}, "projects", "private"),
        ({"private": "false"}, "private", "false without"),
        ({"operations": ["ChatCompletion", "ChatCompletion"]}, "operations[1]", "once"),
        ({"fallbacks": ["gpt-4"]}, "fallbacks", "other models"),
        ({"limits": {"rmp": 3}}, "limits.rmp", "'rpm'"),
        ({"context_windw": 3}, "context_windw", "'context_window'"),
        ({"operations": ["ChatCompletion", "audio_realtime"]}, "operations[1]", "ChatCompletion, Responses, emb"),
        ({"model_type": "Anthropic", "operations": ["images", "Responses"]}, "operations[0]", "at most ChatC"),
        ({"costs": ...}, "costs", "cost_output_1Mtokens"),
        ({"operations": ["ChatCompletion", "audio_tts"]}, "costs", "cost_1Mcharacters"),
    ],
)
def test_each_warning_names_its_field_and_the_document_serves(
    changes: dict[str, object], field: str, hint: str
) -> None:
    document, faults = read(**changes)
    assert document is not None
    assert all(fault.severity is Severity.WARNING for fault in faults)
    assert hint in found(**changes)[field][1]


def test_a_price_is_not_missed_for_what_the_type_cannot_do() -> None:
    faults = read(model_type="Anthropic", operations=["ChatCompletion", "images", "audio_tts"])[1]
    assert [fault.field for fault in faults] == ["operations[1]", "operations[2]"]
    assert 'is "images", which Anthropic does not support' in faults[0].wrong


def test_all_faults_come_at_once() -> None:
    fields = found(
        id="a/b",
        model_type="x",
        operations=["y"],
        private=1,
        weight=-1,
        limits={"rpm": 0},
        provider=3,
        costs={"input": "z"},
    )
    assert {"id", "model_type", "operations[0]", "private", "weight", "limits.rpm", "provider", "costs.input"} <= set(
        fields
    )


def test_a_flood_of_unknown_fields_is_summed_up() -> None:
    faults = read(**{f"x{index}": 1 for index in range(5000)})[1]
    assert len(faults) == 21
    assert "4980 more" in faults[-1].wrong


def test_lists_and_prices_that_are_all_wrong_do_not_flood_the_report() -> None:
    costs = {f"cost_inpt{index}": 1 for index in range(5000)}
    faults = read(projects=[1] * 5000, operations=[1] * 5000, fallbacks=[1] * 5000, costs=costs)[1]
    assert len(faults) < 200
    assert len(reason(faults)) < 2000
    assert "more" in reason(faults)


@pytest.mark.parametrize("whole", [None, True, 3, 1.5, "text", [], [{}], 10**400, Decimal("NaN")])
def test_what_is_no_object_has_one_fault(whole: object) -> None:
    document, faults = read_model(whole)
    assert document is None
    assert len(faults) == 1


def test_a_control_character_in_a_field_name_does_not_reach_the_report() -> None:
    for fault in read(**{"a\nb": 1, "x" * 5000: 2})[1]:
        assert "\n" not in str(fault)
        assert len(str(fault)) < 300


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters())
    | st.sampled_from(
        ["AzureOpenAI", "LiteLLM", "ChatCompletion", "1e400", "A_B", "https://[", "http://a:99999", 10**400]
    )
)
NAMES = st.sampled_from(
    sorted({*body(), *parameters(), "input", "output", "cost_image", "temperature", "limits", "stop"})
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_nothing_raises_whatever_the_json(whole: object) -> None:
    document, faults = read_model(whole)
    assert (document is None) == any(fault.severity is Severity.ERROR for fault in faults)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*body(), "limits", "weight", "fallbacks"]), JSON, max_size=3))
def test_nothing_raises_whatever_a_member_of_a_good_document(changes: dict[str, object]) -> None:
    document, faults = read(**changes)
    assert (document is None) == any(fault.severity is Severity.ERROR for fault in faults)
    for fault in faults:
        str(fault).encode()
        assert str(fault).isprintable()
