"""Charges of interrupted calls: time-outs, broken streams, disconnected callers."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from application.ports.providers import Answer
from application.serving.use_case import UseCase
from application.use_cases.embeddings import EMBEDDINGS
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.responses import RESPONSES
from application.use_cases.speech_to_text import TRANSCRIPTION
from application.use_cases.text_to_speech import SPEECH
from domain import errors
from domain.form import Form, InMemory, Part
from domain.ledger import LedgerLine
from domain.usage import Usage, UsageSource
from tests.builders import form, recording
from tests.fakes.charged_calls import BY_TOKEN, BY_UNIT, IMAGES, TEXTS, UPLOAD
from tests.fakes.in_process_proxy import InProcessProxy, in_process_proxy, line_of, offering_everything
from tests.fakes.provider import FakeProvider, FakeStream


@pytest.mark.parametrize(
    ("use_case", "body", "behaviour", "costs", "usage", "source", "unpriced"),
    [
        # Time-outs, and streams that break: what is made all the same counts in full.
        (EMBEDDINGS, TEXTS, errors.UpstreamTimeoutError(), BY_TOKEN, Usage(2), "partial", ()),
        (SPEECH, TEXTS, errors.UpstreamTimeoutError(), BY_UNIT, Usage(characters=8), "partial", ()),
        (TRANSCRIPTION, UPLOAD, errors.UpstreamTimeoutError(), BY_UNIT, Usage(audio_milliseconds=3000), "partial", ()),
        (
            IMAGE_GENERATION,
            IMAGES,
            errors.UpstreamTimeoutError(),
            BY_UNIT,
            Usage(images=2, image_size="standard/512x512"),
            "partial",
            (),
        ),
        (
            SPEECH,
            TEXTS,
            FakeStream(b"mp3", errors.UpstreamProtocolError(reason="cut")),
            BY_UNIT,
            Usage(characters=8),
            "partial",
            (),
        ),
        (
            RESPONSES,
            TEXTS | {"stream": b"true"},
            FakeStream(b"data: 1\n\n", errors.UpstreamProtocolError(reason="cut"), tokens=4),
            BY_TOKEN,
            Usage(2, 4),
            "partial",
            (),
        ),
        # What no upstream took costs nothing.
        (SPEECH, TEXTS, errors.UpstreamRefusedError(400, "no such voice"), BY_UNIT, Usage(), "measured", ()),
        (TRANSCRIPTION, UPLOAD, errors.DeploymentUnusableError("no secret"), BY_UNIT, Usage(), "measured", ()),
    ],
)
async def test_calls_that_fail(
    use_case: UseCase, body: Any, behaviour: object, costs: dict[str, object], usage: Usage, source: str, unpriced: Any
) -> None:
    line = await line_of(use_case, body, behaviour, costs)
    assert (line.usage, line.usage_source.value, line.unpriced) == (usage, source, unpriced)


async def never() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("use_case", "body", "usage"),
    [
        (EMBEDDINGS, TEXTS, Usage(2)),
        (SPEECH, TEXTS, Usage(2)),
        (TRANSCRIPTION, UPLOAD, Usage(30, audio_input_tokens=30)),
        (IMAGE_GENERATION, IMAGES, Usage()),
        (RESPONSES, TEXTS | {"background": b"true"}, Usage()),
    ],
)
async def test_a_caller_who_leaves_before_the_first_byte(use_case: UseCase, body: Any, usage: Usage) -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": never}), offering_everything())
    line = await _left(proxy, proxy.ask(use_case, body))
    assert (line.status, line.usage, line.usage_source) == (499, usage, UsageSource.PARTIAL)


async def _left(proxy: InProcessProxy, account: Any) -> LedgerLine:
    serve = proxy.serving.stream if account.call.stream else proxy.serving.answer
    task = asyncio.ensure_future(serve(account))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (line,) = proxy.lines
    return line


@pytest.mark.parametrize(
    ("use_case", "body", "usage"),
    [
        (SPEECH, TEXTS, Usage(characters=8)),
        (IMAGE_GENERATION, IMAGES | {"stream": b"true"}, Usage(images=2, image_size="standard/512x512")),
        (
            TRANSCRIPTION,
            form(*(("model", "sim"), ("stream", "true"), ("file", recording(3000)))),
            Usage(audio_milliseconds=3000),
        ),
    ],
)
async def test_a_caller_who_leaves_after_it(use_case: UseCase, body: Any, usage: Usage) -> None:
    stream = FakeStream(b"first", b"second", tokens=5)
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": stream}), offering_everything(costs=BY_UNIT))
    blocks = (await proxy.serving.stream(proxy.ask(use_case, body))).blocks
    await anext(blocks)
    await blocks.aclose()
    (line,) = proxy.lines
    assert (line.status, line.usage, line.usage_source) == (499, usage, UsageSource.PARTIAL)
    assert stream.closed


async def test_a_caller_who_leaves_while_the_length_is_measured_pays_for_it() -> None:
    provider = FakeProvider(**{"sim-1": Answer(b"WEBVTT", b"text/vtt", None)})
    proxy = await in_process_proxy(provider, offering_everything(costs=BY_UNIT))
    task = asyncio.ensure_future(proxy.serving.answer(proxy.ask(TRANSCRIPTION, UPLOAD)))
    for _ in range(3):
        await asyncio.sleep(0)  # the upstream answers at once
    assert provider.called
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (line,) = proxy.lines
    assert line.usage == Usage(audio_milliseconds=3000)


async def test_a_length_that_cannot_be_measured_in_time_is_estimated_from_the_size() -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Slow(InMemory):
        def read(self, start: int, length: int) -> bytes:
            asked.set()
            go_on.wait(10)
            return super().read(start, length)

    upload = Part("file", b"", Slow(bytes(32_000)), filename="a.wav")
    body = Form((*form(("model", "sim")).parts, upload))
    provider = FakeProvider(**{"sim-1": Answer(b"WEBVTT", b"text/vtt", None)})
    proxy = await in_process_proxy(provider, offering_everything(costs=BY_UNIT))
    task = asyncio.ensure_future(proxy.serving.answer(proxy.ask(TRANSCRIPTION, body)))
    await asyncio.to_thread(asked.wait, 10)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    (line,) = proxy.lines
    assert (line.usage, line.usage_source) == (Usage(audio_milliseconds=8000), UsageSource.ESTIMATED)
