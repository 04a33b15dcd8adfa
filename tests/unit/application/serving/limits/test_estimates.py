"""Estimates: what is reserved by rule of thumb, and a bound that no answer can exceed where a budget is strict."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.serving.limits.estimate import USUAL_OUTPUT, HighestPrices, likely
from application.serving.limits.plan import UsualOutput
from application.serving.limits.strict_estimate import most_of_text
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.text_to_speech import SPEECH
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.pricing import PriceList, cost_of
from domain.usage import Usage
from tests.builders import chat_call, model_document

PRICES = PriceList(input=Decimal("2.5"), output=Decimal(10), cached_input=Decimal(1), cache_write=Decimal("3.125"))
DOCUMENT = model_document(prices=PRICES)
UNITS = 10**6  # a millionth of a currency unit


def bound(call: Call, *documents: ModelDocument) -> int:
    estimate = most_of_text(call, documents or (DOCUMENT,), HighestPrices())
    return estimate.costs["USD"]


@given(
    text=st.text(max_size=300),
    ceiling=st.integers(1, 5000),
    choices=st.integers(1, 4),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=200, deadline=None)
async def test_no_answer_costs_more_than_a_strict_budget_reserves(
    text: str, ceiling: int, choices: int, share: tuple[float, float, float]
) -> None:
    call = chat_call(messages=[{"role": "user", "content": text}], max_tokens=ceiling, n=choices)
    read = int(share[0] * len(text.encode()))  # no tokenizer makes more tokens than there are bytes
    usage = Usage(
        input_tokens=read,
        cached_input_tokens=int(read * share[1]),
        cache_write_tokens=int(read * (1 - share[1])),
        output_tokens=int(ceiling * choices * share[2]),
    )
    assert cost_of(usage, PRICES).units <= bound(call)


async def test_the_dearest_deployment_counts() -> None:
    dear = model_document(id="dear", prices=PriceList(input=Decimal(100), output=Decimal(1)))
    call = chat_call(max_tokens=1)
    assert bound(call, DOCUMENT, dear) == bound(call, dear) > bound(call, DOCUMENT)


@pytest.mark.parametrize(
    ("members", "needed"),
    [
        ({}, "max_output_tokens"),
        ({"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "context_window"),
        ({"max_tokens": 5, "tools": [{"type": "web_search"}]}, "provider runs"),
    ],
)
async def test_what_cannot_be_bounded_is_refused_with_what_is_needed(members: dict[str, Any], needed: str) -> None:
    with pytest.raises(InvalidRequestError, match=needed) as refused:
        bound(chat_call(members))
    assert refused.value.code == "cost_not_bounded"


async def test_more_than_text_reserves_the_whole_window() -> None:
    wide = model_document(prices=PRICES, context_window=1000, max_output_tokens=0)
    call = chat_call(max_tokens=1, messages=[{"role": "user", "content": [{"type": "image_url"}]}])
    assert bound(call, wide) == 1000 * 3_125_000 + 10 * UNITS


def test_without_a_ceiling_what_such_calls_usually_write_is_reserved() -> None:
    usual = UsualOutput()
    call = chat_call()
    reserved = []
    for count in (0, 29, 1):
        for _ in range(count):
            usual.add(200)
        reserved.append(likely(CHAT_COMPLETION, call, [DOCUMENT], usual.rarely_above, HighestPrices()).output_tokens)
    assert reserved == [USUAL_OUTPUT, USUAL_OUTPUT, 223]
    known = model_document(max_output_tokens=77)
    assert likely(CHAT_COMPLETION, call, [known], lambda: None, HighestPrices()).output_tokens == 77


@given(st.lists(st.integers(1, 200_000), min_size=30, max_size=400))
def test_the_sketch_is_never_far_from_the_95th_percentile(written: list[int]) -> None:
    usual = UsualOutput()
    for tokens in written:
        usual.add(tokens)
    exact = sorted(written)[-(-len(written) * 95 // 100) - 1]
    found = usual.rarely_above()
    assert found is not None
    assert exact <= found <= exact * 1.34 + 1


def test_speech_and_images_are_estimated_by_what_was_asked_for() -> None:
    speech = Call(Endpoint.SPEECH, "m", {"input": b'"' + b"x" * 1000 + b'"'})
    document = model_document(prices=PriceList(characters=Decimal(15)))
    assert likely(SPEECH, speech, [document], lambda: None, HighestPrices()).costs == {"USD": 15_000 * UNITS}
    images = Call(Endpoint.IMAGE_GENERATIONS, "m", {"prompt": b'"x"', "n": b"3"})
    table = (("hd/1024x1024", Decimal("0.08")), ("1024x1024", Decimal("0.04")))
    document = model_document(prices=PriceList(image=table))
    assert likely(IMAGE_GENERATION, images, [document], lambda: None, HighestPrices()).costs == {"USD": 240_000 * UNITS}
