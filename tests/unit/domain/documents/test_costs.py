"""Prices in both spellings: exact, complete, and refused where they cannot be meant."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.documents.costs import read_costs, warn_of_missing_prices
from domain.documents.fault import Fault, Severity
from domain.documents.reader import Reader
from domain.operation import Operation
from domain.pricing import PriceList


def read(costs: dict[str, object]) -> tuple[PriceList, list[Fault]]:
    faults: list[Fault] = []
    return read_costs(Reader(costs, "costs", faults)), faults


@pytest.mark.parametrize("price", [Decimal("0.003"), 0.003, "0.003", " 0.003 ", "3e-3"])
def test_prices_per_thousand_become_prices_per_million_exactly(price: object) -> None:
    prices, faults = read({"input": price, "output": 1})
    assert faults == []
    assert (prices["input"], prices["output"], prices.currency) == (Decimal(3), Decimal(1000), "USD")


def test_a_price_that_binary_floats_cannot_hold_stays_exact() -> None:
    prices, _ = read({"input": 0.1, "output": Decimal("0.00012345678901234567")})
    assert prices["input"] == Decimal(100)
    assert prices["output"] == Decimal("0.12345678901234567")


def test_every_price_of_the_second_spelling_arrives() -> None:
    prices, faults = read(
        {
            "currency": "eur",
            "cost_input_1Mtokens": 1,
            "cost_output_1Mtokens": 2,
            "cost_cached_input_1Mtokens": 3,
            "cost_cache_write_1Mtokens": 4,
            "cost_audio_input_1Mtokens": 5,
            "cost_audio_output_1Mtokens": 6,
            "cost_image_input_1Mtokens": 7,
            "cost_image_output_1Mtokens": 8,
            "cost_1Mcharacters": 9,
            "cost_minute": 10,
            "cost_image": {"1024x1024": "0.04", "hd/1024x1024": 0.08, "auto": 1},
        }
    )
    assert faults == []
    assert prices == PriceList(
        currency="EUR",
        input=Decimal(1),
        output=Decimal(2),
        cached_input=Decimal(3),
        cache_write=Decimal(4),
        audio_input=Decimal(5),
        audio_output=Decimal(6),
        image_input=Decimal(7),
        image_output=Decimal(8),
        characters=Decimal(9),
        minute=Decimal(10),
        image=(("1024x1024", Decimal("0.04")), ("hd/1024x1024", Decimal("0.08")), ("auto", Decimal(1))),
    )


def test_an_image_may_have_one_price() -> None:
    assert read({"cost_image": "0.04"})[0]["image"] == Decimal("0.04")


def test_free_is_a_price_and_absent_is_not() -> None:
    prices, faults = read({"input": 0, "output": None})
    assert faults == []
    assert (prices["input"], prices["output"]) == (Decimal(0), None)


@pytest.mark.parametrize(
    ("costs", "field", "hint"),
    [
        ({"input": 1, "cost_output_1Mtokens": 1}, "costs", "one spelling"),
        ({"input": 1, "cost_image": 1}, "costs", "one spelling"),
        ({"input": -0.01}, "costs.input", "from 0"),
        ({"cost_input_1Mtokens": 1_000_001}, "costs.cost_input_1Mtokens", "1000000"),
        ({"input": 1001}, "costs.input", "to 1000"),
        ({"input": True}, "costs.input", "number"),
        ({"input": "0,03"}, "costs.input", "decimal point"),
        ({"input": "1_0"}, "costs.input", "number"),
        ({"input": "\u0663"}, "costs.input", "number"),
        ({"input": ""}, "costs.input", "number"),
        ({"input": "3 USD"}, "costs.input", "number"),
        ({"input": float("nan")}, "costs.input", "number"),
        ({"input": float("inf")}, "costs.input", "number"),
        ({"input": Decimal("sNaN")}, "costs.input", "number"),
        ({"input": 10**400}, "costs.input", "to 1000"),
        ({"input": Decimal("1e999999")}, "costs.input", "to 1000"),
        ({"cost_minute": Decimal("1e-21")}, "costs.cost_minute", "20 decimal places"),
        ({"cost_minute": Decimal("1e-999999")}, "costs.cost_minute", "20 decimal places"),
        ({"currency": "US$"}, "costs.currency", "ISO 4217"),
        ({"currency": 5}, "costs.currency", "USD"),
        ({"cost_inptu_1Mtokens": 3}, "costs.cost_inptu_1Mtokens", "'cost_input_1Mtokens'"),
        ({"cost_cached_1Mtokens": 3}, "costs.cost_cached_1Mtokens", "cost_cache"),
        ({"cached": "0.1"}, "costs.cached", "one of"),
        ({"cost_image": {}}, "costs.cost_image", "1024x1024"),
        ({"cost_image": [1]}, "costs.cost_image", "1024x1024"),
        ({"cost_image": {"big": 1}}, "costs.cost_image.big", "1024x1024"),
        ({"cost_image": {"1x1": None}}, "costs.cost_image.1x1", "number"),
        ({"cost_image": {"1x1": -1}}, "costs.cost_image.1x1", "from 0"),
    ],
)
def test_what_cannot_be_meant_is_an_error(costs: dict[str, object], field: str, hint: str) -> None:
    faults = read(costs)[1]
    assert [(fault.field, fault.severity) for fault in faults] == [(field, Severity.ERROR)]
    assert hint in faults[0].expected


def test_a_note_among_the_prices_is_a_warning() -> None:
    faults = read({"source": "price page of March"})[1]
    assert [(fault.field, fault.severity) for fault in faults] == [("costs.source", Severity.WARNING)]


PER_TOKEN = {"cost_input_1Mtokens": 1, "cost_output_1Mtokens": 2}


@pytest.mark.parametrize(
    ("operation", "costs", "missing"),
    [
        ("ChatCompletion", PER_TOKEN, []),
        ("ChatCompletion", {"cost_input_1Mtokens": 1}, ['"cost_output_1Mtokens"']),
        ("Responses", {}, ['"cost_input_1Mtokens"', '"cost_output_1Mtokens"']),
        ("Responses", {"input": 1}, ['"output"']),
        ("embeddings", {"cost_input_1Mtokens": 1}, []),
        ("embeddings", {"cost_output_1Mtokens": 1}, ['"cost_input_1Mtokens"']),
        # One price for the whole call, whatever tokens the upstream reports beside it.
        ("images", {"cost_image": 1}, []),
        ("images", {"cost_image": {"1024x1024": 1}}, []),
        ("audio_tts", {"cost_1Mcharacters": 15}, []),
        ("audio_stt", {"cost_minute": "0.006"}, []),
        # By tokens: all of those that such a call uses.
        ("images", PER_TOKEN, ['"cost_image" or "cost_image_output_1Mtokens"']),
        ("images", {"cost_image_output_1Mtokens": 40}, ['"cost_input_1Mtokens"', '"cost_image_input_1Mtokens"']),
        ("audio_tts", PER_TOKEN, ['"cost_1Mcharacters" or "cost_audio_output_1Mtokens"']),
        ("audio_tts", {"cost_audio_output_1Mtokens": 12}, ['"cost_input_1Mtokens"']),
        ("audio_tts", {"cost_audio_output_1Mtokens": 12, "cost_input_1Mtokens": 1}, []),
        ("audio_stt", {"input": 1, "output": 1}, ['"cost_minute" or "cost_audio_input_1Mtokens" (and then every']),
        ("audio_stt", {"cost_audio_input_1Mtokens": 6, "cost_input_1Mtokens": 1}, ['"cost_output_1Mtokens"']),
        ("audio_stt", {"cost_audio_input_1Mtokens": 6} | PER_TOKEN, []),
    ],
)
def test_an_operation_without_its_price_is_warned_of(
    operation: str, costs: dict[str, object], missing: list[str]
) -> None:
    faults: list[Fault] = []
    reader = Reader(costs, "costs", faults)
    warn_of_missing_prices(reader, read_costs(reader), frozenset({Operation(operation)}))
    assert len(faults) == len(missing)
    for fault, right in zip(faults, missing, strict=True):
        assert fault.severity is Severity.WARNING
        assert operation in fault.wrong
        assert fault.expected.startswith(right)
