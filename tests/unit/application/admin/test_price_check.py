"""Prices against a list: what is off by 1,000 is an error, everything else is worth a look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from application.admin.price_check import ReferencePrice, compare, validate_prices
from domain.documents import read_model
from domain.documents.fault import Fault, Severity
from domain.model import ModelDocument
from domain.operation import Operation
from domain.pricing import PriceList
from tests.builders import model_body

CHAT = frozenset({Operation.CHAT_COMPLETION, Operation.RESPONSES})


def listed(**over: Any) -> ReferencePrice:
    prices: dict[str, Any] = {
        name: Decimal(price) for name, price in over.pop("prices", {"input": "2.5", "output": "10"}).items()
    }
    return ReferencePrice("vendor/model", PriceList(**prices), **({"operations": CHAT} | over))


def faults(body: dict[str, object], reference: ReferencePrice) -> list[Fault]:
    document, _ = read_model(body)
    assert document is not None
    return list(compare(document, body, reference))


def costs(**over: object) -> dict[str, object]:
    return model_body(costs={"cost_input_1Mtokens": Decimal("2.5"), "cost_output_1Mtokens": 10} | over)


def test_a_document_that_agrees_has_no_fault() -> None:
    assert faults(costs(), listed()) == []


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (costs(cost_input_1Mtokens=Decimal("0.0025")), "costs.cost_input_1Mtokens", "price per 1,000 tokens"),
        (costs(cost_input_1Mtokens=Decimal("0.0000025")), "costs.cost_input_1Mtokens", "price per token"),
        (costs(cost_input_1Mtokens=2500), "costs.cost_input_1Mtokens", "about 1,000 times too high"),
        # Half of the list's price, and that in the wrong unit.
        (costs(cost_output_1Mtokens=Decimal("0.005")), "costs.cost_output_1Mtokens", "1,000 times too low"),
        (model_body(costs={"input": Decimal("2.5"), "output": Decimal("0.01")}), "costs.input", "per 1,000,000 tokens"),
        (
            model_body(costs={"input": Decimal("0.0000025"), "output": Decimal("0.01")}),
            "costs.input",
            "price per token",
        ),
    ],
)
def test_a_slip_of_the_unit_is_an_error(body: dict[str, object], field: str, said: str) -> None:
    (fault,) = faults(body, listed())
    assert (fault.field, fault.severity) == (field, Severity.ERROR)
    assert said in fault.wrong


def test_the_right_price_is_said_in_the_spelling_of_the_document() -> None:
    body = model_body(costs={"input": Decimal("2.5"), "output": 10})
    assert [fault.expected for fault in faults(body, listed())] == ["0.0025", "0.01"]
    body = costs(cost_input_1Mtokens=Decimal("0.0025"))
    assert [fault.expected for fault in faults(body, listed())] == ["2.5"]


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("3", None),  # 20 % exactly
        ("3.0000000001", "20 % more"),
        ("2", None),
        ("1.99", "20 % less"),
        ("25", "900 % more"),
        ("250", "9,900 % more"),
        ("0", "100 % less"),
        ("0.025", "99 % less"),
    ],
)
def test_more_than_a_fifth_away_is_a_warning(price: str, said: str | None) -> None:
    found = faults(costs(cost_input_1Mtokens=Decimal(price)), listed())
    assert [fault.severity for fault in found] == ([] if said is None else [Severity.WARNING])
    assert said is None or said in found[0].wrong


def test_a_price_that_the_list_has_and_the_document_lacks() -> None:
    reference = listed(prices={"input": "2.5", "output": "10", "cached_input": "1.25", "audio_input": "40"})
    audio, cached = faults(costs(), reference)
    assert (cached.severity, audio.severity) == (Severity.WARNING, Severity.WARNING)
    assert cached.expected == '"cost_cached_input_1Mtokens": 1.25'
    assert "charged as ordinary input" in cached.wrong
    assert "not charged" in audio.wrong
    thousand = model_body(costs={"input": Decimal("0.0025"), "output": Decimal("0.01")})
    assert "then every price per 1,000,000" in faults(thousand, reference)[1].expected


def test_a_price_of_what_is_not_offered_or_charged_in_another_way_is_not_missed() -> None:
    embeddings = model_body(operations=["embeddings"], costs={"cost_input_1Mtokens": 1})
    prices = {"input": "1", "output": "1", "cached_input": "1"}
    assert faults(embeddings, listed(prices=prices, operations=frozenset({Operation.EMBEDDINGS}))) == []
    speech = model_body(operations=["audio_stt"], costs={"cost_minute": Decimal("0.006")})
    both = listed(prices={"minute": "0.006", "audio_input": "6"}, operations=frozenset({Operation.AUDIO_STT}))
    assert faults(speech, both) == []


@pytest.mark.parametrize(
    ("operation", "unit"), [("images", "image"), ("audio_tts", "characters"), ("audio_stt", "minute")]
)
def test_tokens_are_not_missed_where_one_price_covers_the_whole_call(operation: str, unit: str) -> None:
    member = {"image": "cost_image", "characters": "cost_1Mcharacters", "minute": "cost_minute"}[unit]
    parts = ("input", "output", "audio_input", "audio_output", "image_input", "image_output", "cached_input")
    reference = listed(prices=dict.fromkeys((*parts, unit), 1), operations=frozenset({Operation(operation)}))
    assert faults(model_body(operations=[operation], costs={member: 1}), reference) == []
    missed = faults(model_body(operations=[operation], costs={"currency": "USD"}), reference)
    assert any(f'"{member}"' in fault.expected for fault in missed)
    assert any('"cost_input_1Mtokens"' in fault.expected for fault in missed)


def test_what_the_list_does_not_say_is_not_compared() -> None:
    silent = ReferencePrice("vendor/model", PriceList())
    assert faults(costs(cost_cached_input_1Mtokens=1, cost_minute=3), silent) == []


@pytest.mark.parametrize(
    ("price", "severities"),
    [
        ("0.0025", [Severity.WARNING, Severity.ERROR]),  # of no currency one unit buys 300 dollars
        ("3700", [Severity.WARNING]),  # of some currencies a dollar buys 1,400
        ("13", [Severity.WARNING]),
    ],
)
def test_another_currency_is_said_and_only_prices_far_too_low_are_wrong(price: str, severities: list[Severity]) -> None:
    found = faults(costs(currency="BRL", cost_input_1Mtokens=Decimal(price), cost_output_1Mtokens=50), listed())
    assert found[0].field == "costs.currency"
    assert [fault.severity for fault in found] == severities


def test_operations_that_the_model_does_not_have() -> None:
    body = model_body(operations=["ChatCompletion", "embeddings", "images"])
    found = [fault for fault in faults(body, listed()) if fault.field == "operations"]
    assert len(found) == 1
    assert found[0].severity is Severity.WARNING
    assert "embeddings, images" in found[0].wrong
    assert '"ChatCompletion", "Responses"' in found[0].expected
    assert faults(model_body(operations=["ChatCompletion"]), listed(operations=None)) == []


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"max_tokens": 4097}, "parameters.max_tokens"),
        ({"max_completion_tokens": "5000"}, "parameters.max_completion_tokens"),
        ({"max_tokens": 4096}, None),
        ({"max_tokens": "MOST_TOKENS"}, None),
        ({"context_window": 128_001}, "parameters.context_window"),
    ],
)
def test_sizes_that_the_model_does_not_have(parameters: dict[str, object], field: str | None) -> None:
    found = faults(
        model_body(parameters=parameters, costs=costs()["costs"]), listed(context_window=128_000, longest_answer=4096)
    )
    assert [fault.field for fault in found] == ([] if field is None else [field])
    assert all(str(value) not in fault.wrong for fault in found for value in parameters.values())


def test_images_are_compared_size_by_size() -> None:
    table = {"1024x1024": Decimal("0.04"), "hd/1024x1024": Decimal("0.2"), "512x512": 9}
    body = model_body(operations=["images"], costs={"cost_image": table})
    prices = PriceList(image=(("1024x1024", Decimal("0.04")), ("hd/1024x1024", Decimal("0.08"))))
    (fault,) = faults(body, ReferencePrice("vendor/model", prices, frozenset({Operation.IMAGES})))
    assert fault.field == "costs.cost_image.hd/1024x1024"


def test_a_guessed_entry_is_called_one() -> None:
    (fault,) = faults(costs(cost_input_1Mtokens=5), listed(exact=False))
    assert "taken for the same model" in fault.wrong


def test_a_folder_is_checked_with_files_places_and_what_is_not_in_the_list() -> None:
    def find(document: ModelDocument) -> ReferencePrice | None:
        return listed() if document.code == "known" else None

    reached = {"endpoint": "https://host", "secret_name": "VENDOR_KEY"}
    known = costs(cost_input_1Mtokens=5) | {"id": "a", "code": "known", "model_type": "OpenAI", "parameters": reached}
    other = known | {"id": "b", "code": "other"}
    faulty = known | {"id": "c", "operations": []}
    validation, compared = validate_prices([("all.json", [known, other, model_body(), faulty])], find)
    assert [(one.document_id, one.reference is not None) for one in compared] == [("a", True), ("b", False)]
    prices = [found for found in validation.faults if "listed" in found.fault.wrong]
    assert [(found.file, found.fault.field) for found in prices] == [("all.json", "[0].costs.cost_input_1Mtokens")]
    assert (validation.errors, validation.warnings) == (1, 1)
