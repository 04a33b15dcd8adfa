"""``POST /v1/completions``, the legacy endpoint: complete or streamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import msgspec

from domain.estimates import CHARACTERS_PER_TOKEN, estimate_tokens
from domain.usage import Usage
from infra.simulator.checks import check_model, check_stop, expect, number, wrong
from infra.simulator.faults import MOST_TOKENS
from infra.simulator.prompts import Inputs, read_inputs
from infra.simulator.reply import Event, Pieces, Reply, Request, Whole
from infra.simulator.text import answer_text, legacy_logprobs_of, stopped
from infra.simulator.tokens import pieces

_USUAL_LENGTH = 16
"""OpenAI's default of ``max_tokens``."""

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class _Text:
    """One of the choices: the repeated prompt if requested, the generated text, and the finish reason."""

    echo: str
    written: str
    finish_reason: str

    @property
    def characters(self) -> int:
        """Length of the output; a repeated prompt is part of it."""
        return len(self.echo) + len(self.written)


def plan(request: Request) -> Reply:
    """Plan the answer to a legacy completion.

    Raises:
        SimulatedError: 400, invalid request.
    """
    body = request.members
    validate(body, stream=request.stream)
    prompts = read_inputs({"prompt": "" if body.get("prompt") is None else body["prompt"]}, "prompt", empty_texts=True)
    count = body.get("n") or 1
    made = max(body.get("best_of") or count, count)
    if made * len(prompts.each) * (request.tokens or 0) > MOST_TOKENS:
        raise wrong(f"The simulator writes at most {MOST_TOKENS} tokens per answer.", "n")
    texts, discarded = _write(body, prompts, count, made, request.tokens)
    used = Usage(
        input_tokens=prompts.tokens_with(body.get("suffix") or ""),
        output_tokens=estimate_tokens(sum(text.characters for text in texts) + discarded),
    )
    digest = hashlib.sha256(_encode([body["model"], prompts.each, body.get("seed")])).hexdigest()
    head: dict[str, Any] = {
        "id": f"cmpl-{digest[:29]}",
        "object": "text_completion",
        "created": request.created,
        "model": body["model"],
        "system_fingerprint": "fp_simulator01",
    }
    top = body.get("logprobs")
    shown = _usage_object(used)
    if request.stream:
        wanted = (body.get("stream_options") or {}).get("include_usage") is True and request.with_usage
        answer: Whole | Pieces = Pieces(_events(head, texts, top, shown if wanted else None))
    else:
        answer = Whole(lambda: _whole(head, texts, top, shown if request.with_usage else None))
    return Reply(answer, used, Usage(input_tokens=used.input_tokens), used if request.with_usage else None)


def _write(
    body: Mapping[str, Any], prompts: Inputs, count: int, made: int, tokens: int | None
) -> tuple[list[_Text], int]:
    """Generate the texts; also return the length of those not chosen (``best_of``)."""
    texts: list[_Text] = []
    discarded = 0
    ceiling = body.get("max_tokens")
    if ceiling is None and tokens is None:
        ceiling = _USUAL_LENGTH
    for prompt in prompts.each:
        asked = prompt if isinstance(prompt, str) else " ".join(map(str, prompt[:16]))
        seed = _encode([body["model"], prompt, body.get("suffix"), body.get("seed")])
        for index in range(made):
            digest = hashlib.sha256(seed + index.to_bytes(2, "big")).digest()
            text = stopped(answer_text(digest, asked, tokens), body.get("stop"))
            reason = "stop"
            if ceiling is not None and estimate_tokens(len(text)) > ceiling:
                text, reason = text[: ceiling * CHARACTERS_PER_TOKEN], "length"
            if index < count:
                texts.append(_Text(asked if body.get("echo") else "", text, reason))
            else:
                discarded += len(text)
    return texts, discarded


def _usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _whole(head: dict[str, Any], texts: list[_Text], top: int | None, usage: dict[str, Any] | None) -> bytes:
    choices = [
        {
            "text": text.echo + text.written,
            "index": index,
            "logprobs": legacy_logprobs_of(text.echo + text.written, top, 0),
            "finish_reason": text.finish_reason,
        }
        for index, text in enumerate(texts)
    ]
    return _encode({**head, "choices": choices, **({} if usage is None else {"usage": usage})})


def _events(head: dict[str, Any], texts: list[_Text], top: int | None, usage: dict[str, Any] | None) -> Iterator[Event]:
    """Yield an event per token, choices in turn."""
    more = {} if usage is None else {"usage": None}
    streams = [_choice_events(index, text, top) for index, text in enumerate(texts)]
    for turn in zip_longest(*streams):
        for part in turn:
            if part is not None:
                choice, characters = part
                yield b"data: " + _encode({**head, "choices": [choice], **more}) + b"\n\n", characters
    if usage is not None:
        yield b"data: " + _encode({**head, "choices": [], "usage": usage}) + b"\n\n", 0


def _choice_events(index: int, text: _Text, top: int | None) -> Iterator[tuple[dict[str, Any], int]]:
    offset = 0
    for piece in (*([text.echo] if text.echo else []), *pieces(text.written)):
        chances = legacy_logprobs_of(piece, top, offset)
        yield {"text": piece, "index": index, "logprobs": chances, "finish_reason": None}, len(piece)
        offset += len(piece)
    yield {"text": "", "index": index, "logprobs": None, "finish_reason": text.finish_reason}, 0


_MOST_N = 128
_MOST_BEST_OF = 20
_MOST_LOGPROBS = 5


def validate(body: Mapping[str, Any], *, stream: bool) -> None:
    """Check everything but the prompt; unknown members are accepted.

    Raises:
        SimulatedError: 400 with the first error.
    """
    check_model(body)
    number(body, "temperature", 0, 2)
    number(body, "top_p", 0, 1)
    number(body, "presence_penalty", -2, 2)
    number(body, "frequency_penalty", -2, 2)
    number(body, "n", 1, _MOST_N, whole=True)
    number(body, "best_of", 1, _MOST_BEST_OF, whole=True)
    number(body, "logprobs", 0, _MOST_LOGPROBS, whole=True)
    number(body, "max_tokens", 0, None, whole=True)
    number(body, "seed", None, None, whole=True)
    for name in ("echo", "stream"):
        if body.get(name) is not None:
            expect(body[name], bool, name, "a boolean")
    for name in ("suffix", "user"):
        if body.get(name) is not None:
            expect(body[name], str, name, "a string")
    for name in ("logit_bias", "stream_options"):
        if body.get(name) is not None:
            expect(body[name], dict, name, "an object")
    check_stop(body.get("stop"))
    _check_together(body, stream=stream)


def _check_together(body: Mapping[str, Any], *, stream: bool) -> None:
    if body.get("stream_options") is not None and not stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise wrong(message, "stream_options")
    best, count = body.get("best_of"), body.get("n") or 1
    if best is not None and best < count:
        raise wrong(f"Invalid 'best_of': expected a value >= 'n' ({count}), but got {best} instead.", "best_of")
    if best is not None and best > count and stream:
        raise wrong("Results of 'best_of' cannot be streamed.", "best_of")
