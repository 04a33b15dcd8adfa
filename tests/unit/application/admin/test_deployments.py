"""Facts about a deployment that need no call."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from application.admin.deployments import Deployment, Upstreams, candidate, excluded
from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, Parameters
from domain.operation import Operation
from domain.pricing import PriceList
from tests.builders import model_document

UPSTREAMS = Upstreams(
    lambda _: None, lambda document: f"up-{document.code}", lambda _: "wire", lambda name: "SET" in name
)


def look(document: ModelDocument, operation: Operation = Operation.CHAT_COMPLETION) -> Deployment:
    return candidate(document, operation, UPSTREAMS, turn=1, share=Fraction(1, 3))


def test_secrets_are_named_with_their_state_and_never_with_their_value() -> None:
    parameters = Parameters(
        secret_name="IS_SET", endpoint="NOWHERE_TO_GO", model="SET_MODEL_NAME", location="AN_ABSENT"
    )
    one = look(model_document(parameters=parameters))
    assert [(state.member, state.name, state.present) for state in one.secrets] == [
        ("secret_name", "IS_SET", True),
        ("endpoint", "NOWHERE_TO_GO", False),
        ("model", "SET_MODEL_NAME", True),
    ]
    assert one.upstream_model == "the value of SET_MODEL_NAME"
    assert not one.key_in_document


def test_a_key_in_the_document_is_reported_and_not_shown() -> None:
    literal = look(model_document(parameters=Parameters(api_key="sk-literal")))
    assert (literal.secrets, literal.key_in_document) == ((), True)
    assert "sk-literal" not in repr(literal)
    # secret_name wins, so the key in the document is not used.
    assert not look(model_document(parameters=Parameters(api_key="sk-literal", secret_name="IS_SET"))).key_in_document


def test_the_way_the_share_and_the_cost_of_a_thousand_tokens_each_way() -> None:
    one = look(model_document())
    assert (one.adapter, one.upstream_model, one.share) == ("wire", "up-sim", Decimal("33.3"))
    assert str(one.example.money) == "0.0125 USD"
    assert one.prices == {"currency": "USD", "input": "2.5", "output": "10"}


def test_unpriced_operations_are_reported() -> None:
    one = look(model_document(prices=PriceList(currency="EUR", input=Decimal(2))))
    assert (str(one.example.money), one.example.unpriced) == ("0.002 EUR", ("output",))


@pytest.mark.parametrize(
    ("operation", "prices", "cost"),
    [
        (Operation.EMBEDDINGS, PriceList(input=Decimal("0.02")), "0.00002 USD"),
        (Operation.AUDIO_TTS, PriceList(characters=Decimal(15)), "0.015 USD"),
        (Operation.AUDIO_STT, PriceList(minute=Decimal("0.006")), "0.006 USD"),
        (Operation.IMAGES, PriceList(image=(("medium/1024x1024", Decimal("0.042")),)), "0.042 USD"),
    ],
)
def test_each_operation_has_an_example_in_its_own_unit(operation: Operation, prices: PriceList, cost: str) -> None:
    one = look(model_document(prices=prices), operation)
    assert (str(one.example.money), one.example.unpriced) == (cost, ())


def test_an_adapter_without_facts_about_a_document_stops_nothing() -> None:
    def unknown(document: ModelDocument) -> str:
        raise DeploymentUnusableError(f"no adapter serves model_type {document.model_type}")

    upstreams = Upstreams(lambda _: "no", unknown, lambda _: None, lambda _: False)
    one = excluded(model_document(), Operation.CHAT_COMPLETION, "no", upstreams)
    assert (one.adapter, one.upstream_model, one.turn, one.reason) == (None, "", None, "no")
