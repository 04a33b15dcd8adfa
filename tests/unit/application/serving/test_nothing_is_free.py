"""Every use case, kind of report, price list and ending: lines can be explained, nothing is free in silence."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest

from application.ports.providers import Answer
from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.completion import COMPLETION
from application.use_cases.embeddings import EMBEDDINGS
from application.use_cases.image_edit import IMAGE_EDIT
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.responses import RESPONSES
from application.use_cases.speech_to_text import TRANSCRIPTION, TRANSLATION
from application.use_cases.text_to_speech import SPEECH
from domain import errors
from domain.documents.costs import read_costs
from domain.documents.reader import Reader
from domain.form import Form
from domain.ledger import LedgerLine
from domain.pricing import cost_of
from domain.usage import QUANTITIES, Usage, UsageSource
from tests.builders import form, recording
from tests.fakes.in_process_proxy import in_process_proxy, line_of, offering_everything
from tests.fakes.provider import DONE, FakeProvider, FakeStream

JSON = b"application/json"
CHAT = {"messages": b'[{"role":"user","content":"0123456789ab"}]'}
PICTURE = {"prompt": b'"a cat"', "n": b"2", "size": b'"1024x1024"'}
UPLOAD = form(("model", "sim"), ("file", recording(3000)))
PHOTO = form(("model", "sim"), ("prompt", "a cat"), ("image", b"png"))
ASKS_STREAM = form(("stream", "true")).parts

CALLS: dict[str, tuple[UseCase, Any, bytes]] = {
    "chat": (CHAT_COMPLETION, CHAT, b'{"choices":[{"message":{"content":"12345"}}]}'),
    "completion": (COMPLETION, {"prompt": b'"12345678"'}, b'{"choices":[{"text":"12345"}]}'),
    "embeddings": (EMBEDDINGS, {"input": b'"12345678"'}, b"{}"),
    "responses": (RESPONSES, {"input": b'"12345678"'}, b'{"id":"r","output":[{"content":[{"text":"12345"}]}]}'),
    "images": (IMAGE_GENERATION, PICTURE, b"{}"),
    "edits": (IMAGE_EDIT, PHOTO, b"{}"),
    "speech": (SPEECH, {"input": b'"12345678"', "voice": b'"alloy"'}, b""),
    "transcription": (TRANSCRIPTION, UPLOAD, b'{"text":"12345"}'),
    "translation": (TRANSLATION, UPLOAD, b"1\n00:00:00,000 --> 00:00:03,000\n12345\n"),
}
STREAMED = {"chat", "completion", "responses", "images", "edits", "speech", "transcription"}

REPORTS: dict[str, Usage | None] = {
    "nothing": None,
    "zeros": Usage(),
    "tokens": Usage(100, 50),
    "input alone": Usage(100),
    "output alone": Usage(0, 50),
    "details": Usage(100, 50, 40, 10, 20, 30, 25, 20, 25),
    "overlapping details": Usage(100, 50, 90, 90, 50, 90, 50, 90, 50),
    "parts beyond their totals": Usage(10, 5, 99, 99, 99, 99, 99, 99, 99),
    "time": Usage(audio_milliseconds=3500),
    "images": Usage(100, 50, image_output_tokens=50, images=3, image_size="high/1024x1024"),
    "images without tokens": Usage(images=1),
}

MILLION = "cost_{}_1Mtokens"
PRICES: dict[str, dict[str, object]] = {
    "none": {},
    "input only": {MILLION.format("input"): "0.0000075"},
    "tokens": {MILLION.format("input"): "2.5", MILLION.format("output"): 10},
    "every token": {
        MILLION.format(name): price
        for name, price in {
            "input": "2.5",
            "output": 10,
            "cached_input": "1.25",
            "cache_write": "3.75",
            "audio_input": 40,
            "audio_output": 80,
            "image_input": 10,
            "image_output": "40.000001",
        }.items()
    },
    "cached only": {MILLION.format("cached_input"): "1.25"},
    "per thousand": {"input": "0.000123456789", "output": "0.06"},
    "units": {"cost_1Mcharacters": 15, "cost_minute": "0.006", "cost_image": "0.04"},
    "units and tokens": {
        "cost_1Mcharacters": 15,
        "cost_minute": "0.006",
        "cost_image": "0.04",
        MILLION.format("input"): "2.5",
        MILLION.format("output"): 10,
    },
    "sizes": {"cost_image": {"high/1024x1024": "0.167", "1024x1024": "0.04"}},
    "another size": {"cost_image": {"512x512": "0.02"}, MILLION.format("input"): 1},
    "free": {
        **{MILLION.format(name): 0 for name in ("input", "output", "audio_input", "audio_output", "image_output")},
        "cost_1Mcharacters": 0,
        "cost_minute": 0,
        "cost_image": 0,
    },
}


async def never() -> None:
    await asyncio.Event().wait()


async def whole_or_stream(name: str, report: Usage | None, ending: str, costs: dict[str, object]) -> LedgerLine:
    """Return the only ledger line of a call that ends like this."""
    use_case, body, answer = CALLS[name]
    if ending == "timeout":
        return await line_of(use_case, body, errors.UpstreamTimeoutError(), costs)
    if ending == "whole" and name != "speech":
        return await line_of(use_case, body, Answer(answer, JSON, report), costs)
    if isinstance(body, Form):
        body = Form((*body.parts, *ASKS_STREAM))
    elif name != "speech":
        body = body | {"stream": b"true"}
    blocks: tuple[Any, ...] = (b"data: 1\n\n", DONE)
    if ending == "cut":
        blocks = (b"data: 1\n\n", errors.UpstreamProtocolError(reason="cut"))
    stream = FakeStream(*blocks, usage=report, tokens=0 if name in {"images", "edits", "speech"} else 2)
    if ending == "cut":
        stream.usage = report
    if ending != "caller gone":
        return await line_of(use_case, body, stream, costs)
    stream.usage = report
    proxy = await in_process_proxy(
        FakeProvider(**{"sim-1": stream}), offering_everything(costs={"currency": "USD", **costs})
    )
    blocks_of = (await proxy.serving.stream(proxy.ask(use_case, body))).blocks
    await anext(blocks_of)
    await blocks_of.aclose()
    (line,) = proxy.lines
    return line


def used(name: str) -> str | None:
    """Return the quantity that such a call must have used."""
    return {"images": "images", "edits": "images", "speech": "characters"}.get(
        name, "audio_milliseconds" if name in {"transcription", "translation"} else None
    )


def check(line: LedgerLine, name: str, costs: dict[str, object], report: Usage | None) -> None:
    usage = line.usage
    prices = read_costs(Reader(costs, "costs", []))
    assert (line.cost_units, line.unpriced) == (cost_of(usage, prices).units, cost_of(usage, prices).unpriced)
    assert line.prices == prices.described
    assert line.exposure_units is None or line.exposure_units > line.cost_units
    assert all(getattr(usage, quantity) >= 0 for quantity in QUANTITIES)
    # Something was used, whatever the upstream said, ...
    unit = used(name)
    assert usage.input_tokens if unit is None else getattr(usage, unit)
    # ... and it costs, or is named, or its price is nothing.
    assert line.cost_units or line.unpriced or all(price in {"0", "USD"} for price in line.prices.values())
    # What nobody counted is called measured only where it is charged, or named, by a unit that was counted here.
    if unit is None and line.status == 200 and (report is None or not (report.input_tokens or report.output_tokens)):
        assert line.usage_source is UsageSource.ESTIMATED
    if report is not None:
        assert usage.input_tokens == report.input_tokens or not report.input_tokens
        assert usage.output_tokens == report.output_tokens or not report.output_tokens


ENDINGS = ("whole", "stream", "cut", "caller gone", "timeout")


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("prices", PRICES)
async def test_every_line_is_explained(name: str, prices: str) -> None:
    for (_, report), ending in product(REPORTS.items(), ENDINGS):
        if ending in {"stream", "cut", "caller gone"} and name not in STREAMED:
            continue
        line = await whole_or_stream(name, report, ending, PRICES[prices])
        counts = None if ending == "timeout" else report
        if name in {"images", "edits"} and ending in {"whole", "stream"} and report is not None and not report.images:
            assert line.usage.images == 0  # the answer was heard, and had none
            continue
        check(line, name, PRICES[prices], counts)


@pytest.mark.parametrize("report", [None, Usage()])
@pytest.mark.parametrize("name", ["chat", "completion", "responses"])
async def test_zeros_are_no_count(name: str, report: Usage | None) -> None:
    use_case, body, answer = CALLS[name]
    line = await line_of(use_case, body, Answer(answer, JSON, report), PRICES["tokens"])
    assert (line.usage.output_tokens, line.usage_source) == (2, UsageSource.ESTIMATED)
    assert line.usage.input_tokens >= 2
    stream = FakeStream(b"data: 1\n\n", DONE, usage=report, tokens=2)
    line = await line_of(use_case, body | {"stream": b"true"}, stream, PRICES["tokens"])
    assert (line.usage.output_tokens, line.usage_source) == (2, UsageSource.ESTIMATED)


async def test_the_side_that_was_not_counted_is_estimated() -> None:
    use_case, body, answer = CALLS["chat"]
    line = await line_of(use_case, body, Answer(answer, JSON, Usage(100)), PRICES["tokens"])
    assert (line.usage, line.usage_source) == (Usage(100, 2), UsageSource.ESTIMATED)
    line = await line_of(use_case, body, Answer(answer, JSON, Usage(0, 50)), PRICES["tokens"])
    assert (line.usage, line.usage_source) == (Usage(3, 50), UsageSource.ESTIMATED)
    line = await line_of(EMBEDDINGS, {"input": b'"12345678"'}, Answer(b"{}", JSON, Usage(7)), PRICES["tokens"])
    assert (line.usage, line.usage_source) == (Usage(7), UsageSource.MEASURED)


async def test_a_time_that_was_reported_is_charged_by_tokens_where_only_those_have_a_price() -> None:
    answer = Answer(b'{"text":"12345"}', JSON, Usage(audio_milliseconds=3500))
    line = await line_of(TRANSCRIPTION, UPLOAD, answer, PRICES["every token"])
    assert line.usage == Usage(35, 2, audio_input_tokens=35, audio_milliseconds=3500)
    assert (line.cost_units, line.unpriced) == (35 * 40_000_000 + 2 * 10_000_000, ())
    assert line.usage_source is UsageSource.ESTIMATED
