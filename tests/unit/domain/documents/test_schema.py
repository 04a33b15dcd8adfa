"""The JSON Schema of model documents agrees with the reader of model documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.documents import read_model
from domain.documents.fault import Severity
from domain.documents.model import MODEL_MEMBERS
from domain.documents.schema import model_schema, new_document
from domain.vendors import ModelType
from tests.tools import ROOT
from tests.vendor_cases import VENDOR_CASES as CASES

SCHEMA = model_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
ADDRESSES = dict.fromkeys(("mock", "front", "simulator"), "http://127.0.0.1:1/v1")
EXAMPLES = [json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "deploy" / "examples").rglob("*.json"))]
DOCUMENTS: list[Any] = [*(case.document(**ADDRESSES) for case in CASES), *map(new_document, ModelType)]
DOCUMENTS += [one for one in EXAMPLES if isinstance(one, dict) and "model_type" in one]
VALUES: list[Any] = ["text", "", 1, -1, 1.5, True, None, [], ["text"], [1], {}, {"a": 1}, "true", "1.5"]


def readable(body: object) -> bool:
    return read_model(body)[0] is not None


def test_it_is_a_schema_of_every_member() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    properties: Any = SCHEMA["properties"]
    assert set(properties) == MODEL_MEMBERS
    assert {name for name, of in properties.items() if not of} == {name for name in MODEL_MEMBERS if name[0] in "_$"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: f"{one['id']}-{one['model_type']}")
def test_documents_that_can_serve_are_accepted_whatever_is_changed_in_them(document: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(document)) == []
    refused = 0
    for name in sorted(MODEL_MEMBERS):
        for value in VALUES:
            changed = document | {name: value}
            if readable(changed):
                assert VALIDATOR.is_valid(changed), (name, value)
            else:
                refused += not VALIDATOR.is_valid(changed)
    assert refused > 50, "and most of what cannot serve is refused"


@pytest.mark.parametrize("model_type", ModelType)
def test_a_new_document_has_all_that_the_vendor_needs(model_type: ModelType) -> None:
    _, faults = read_model(new_document(model_type))
    assert [str(fault) for fault in faults if fault.severity is Severity.ERROR] == []
    assert not [str(fault) for fault in faults if "is missing" in str(fault)]
