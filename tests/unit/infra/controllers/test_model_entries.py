"""The list of models as JSON."""

from __future__ import annotations

import json

import pytest

from application.use_cases.list_models import Sizes
from domain.catalog import Catalog
from domain.errors import ModelNotFoundError
from domain.model import ModelDocument
from domain.operation import Operation
from domain.vendors import ModelType
from infra.controllers.model_entries import ModelEntries
from tests.builders import model_document, project

IMAGES = frozenset({Operation.IMAGES})
DOCUMENTS = [
    model_document(id="one", code="azure/one", context_window=10),
    model_document(id="none", code="none", model_type=ModelType.ANTHROPIC, operations=IMAGES),
    model_document(id="secret", code="secret", private=True, projects=frozenset({"other"}), operations=IMAGES),
]


def unknown(_: ModelDocument) -> Sizes:
    return Sizes()


def test_an_entry_carries_what_is_known_and_nothing_else() -> None:
    entries, catalog = ModelEntries(unknown), Catalog.of(DOCUMENTS, [project()])
    found = json.loads(entries.all(catalog, "billing"))
    assert found == {
        "object": "list",
        "data": [
            {
                "id": "azure/one",
                "object": "model",
                "created": 1_735_689_600,
                "owned_by": "Simulator",
                "name": "Simulated",
                "operations": ["ChatCompletion"],
                "endpoints": ["/v1/chat/completions", "/v1/completions"],
                "context_window": 10,
                "prices": [{"currency": "USD", "input": "2.5", "output": "10"}],
            }
        ],
    }
    assert json.loads(entries.one(catalog, "billing", "azure/one")) == found["data"][0]
    assert json.loads(entries.one(catalog, "billing", "one")) == found["data"][0] | {"id": "one"}
    for name in ("none", "secret", "absent"):
        with pytest.raises(ModelNotFoundError):
            entries.one(catalog, "billing", name)
    assert [model["id"] for model in json.loads(entries.all(catalog, "other"))["data"]] == ["azure/one", "secret"]


def test_entries_follow_the_catalogue() -> None:
    entries, before = ModelEntries(unknown), Catalog.of(DOCUMENTS, [project()])
    assert b"azure/one" in entries.all(before, "billing")
    after = before.changed({"one": model_document(id="one", code="two", name="Other")}, {}, ())
    assert [model["id"] for model in json.loads(entries.all(after, "billing"))["data"]] == ["two"]
    assert entries.all(Catalog(), "billing") == b'{"object":"list","data":[]}'


def test_an_entry_is_made_once_for_a_catalogue() -> None:
    asked: list[str] = []

    def known(document: ModelDocument) -> Sizes:
        asked.append(document.id)
        return Sizes()

    entries, catalog = ModelEntries(known), Catalog.of([model_document(id=f"{n}", code=f"{n}") for n in range(5)], [])
    for project_id in ("a", "b", "a"):
        assert len(json.loads(entries.all(catalog, project_id))["data"]) == 5
    assert sorted(asked) == ["0", "1", "2", "3", "4"]
