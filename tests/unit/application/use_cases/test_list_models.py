"""Entries of ``/v1/models``: exactly the operations that a call may use."""

from __future__ import annotations

from decimal import Decimal

import pytest

from application.use_cases.list_models import Sizes, deployments_of, listed, visible_models
from domain.catalog import Catalog
from domain.errors import ModelNotFoundError
from domain.model import ModelDocument
from domain.operation import Endpoint, Operation
from domain.pricing import PriceList
from domain.vendors import ModelType
from tests.builders import model_document, project


def unknown(_: ModelDocument) -> Sizes:
    return Sizes()


@pytest.mark.parametrize("model_type", list(ModelType))
def test_exactly_what_enforcement_allows_is_listed(model_type: ModelType) -> None:
    document = model_document(model_type=model_type, operations=frozenset(Operation))
    model = listed("sim", [document], unknown)
    assert model is not None
    assert set(model.endpoints) == {endpoint for endpoint in Endpoint if document.offers(endpoint)}
    assert set(model.operations) == {endpoint.operation for endpoint in model.endpoints}


def test_a_model_that_can_do_nothing_of_what_it_lists_is_not_there() -> None:
    useless = model_document(model_type=ModelType.ANTHROPIC, operations=frozenset({Operation.IMAGES}))
    assert listed("sim", [useless], unknown) is None
    catalog = Catalog.of([useless], [project()])
    with pytest.raises(ModelNotFoundError):
        deployments_of(catalog, "billing", "sim")
    with pytest.raises(ModelNotFoundError):
        deployments_of(catalog, "billing", "absent")


def test_several_deployments_are_one_entry_with_the_smallest_sizes_and_every_price_list() -> None:
    useless = model_document(
        id="0", provider="None", model_type=ModelType.COHERE, operations=frozenset({Operation.AUDIO_TTS})
    )
    one = model_document(id="1", provider="One", context_window=1000, max_output_tokens=50)
    two = model_document(id="2", context_window=800, operations=frozenset({Operation.EMBEDDINGS}))
    dear = model_document(id="3", prices=PriceList(currency="EUR", image=(("hd/1x1", Decimal("0.080")),)))
    free = model_document(id="4", prices=PriceList())
    model = listed("sim", [useless, one, two, dear, free], unknown)
    assert model is not None
    assert (model.id, model.owned_by, model.operations) == ("sim", "One", ("ChatCompletion", "embeddings"))
    assert model.sizes == Sizes(800, 50)
    assert model.prices == (
        {"currency": "USD", "input": "2.5", "output": "10"},
        {"currency": "EUR", "image hd/1x1": "0.08"},
    )


def test_what_the_document_says_wins_over_what_others_know() -> None:
    def known(_: ModelDocument) -> Sizes:
        return Sizes(7, 3)

    sizes = [
        model.sizes
        for document in (model_document(), model_document(context_window=9), model_document(max_output_tokens=4))
        if (model := listed("sim", [document], known)) is not None
    ]
    assert sizes == [Sizes(7, 3), Sizes(9, 3), Sizes(7, 4)]


def test_private_models_of_others_are_not_there() -> None:
    hidden = model_document(id="b", code="b", private=True, projects=frozenset({"other"}))
    catalog = Catalog.of([model_document(id="c", code="c"), hidden, model_document(id="a", code="a")], [project()])
    assert [name for name, _ in visible_models(catalog, "billing")] == ["a", "c"]
    assert [name for name, _ in visible_models(catalog, "other")] == ["a", "b", "c"]
