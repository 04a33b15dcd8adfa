"""``POST /v1/completions``, the legacy one: from prompts to texts, whole or streamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import msgspec

from domain.usage import CHARACTERS_PER_TOKEN, Usage, estimate_tokens
from infra.simulator.checks import wrong
from infra.simulator.completions_request import validate
from infra.simulator.faults import MOST_TOKENS
from infra.simulator.logprobs import legacy_logprobs_of
from infra.simulator.prompts import Inputs, read_inputs
from infra.simulator.reply import Event, Pieces, Reply, Request, Whole
from infra.simulator.text import answer_text, stopped
from infra.simulator.tokens import pieces

_USUAL_LENGTH = 16
"""Tokens that OpenAI's API writes where the request names no ``max_tokens``."""

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class _Text:
    """One of the answers: the prompt where it is repeated, what was written, and why it ends."""

    echo: str
    written: str
    finish_reason: str

    @property
    def characters(self) -> int:
        """What counts as output; a prompt that is repeated is part of the answer."""
        return len(self.echo) + len(self.written)


def plan(request: Request) -> Reply:
    """The answer to a legacy completion.

    Raises:
        SimulatedError: 400, the request is not well formed.
    """
    body = request.members
    validate(body, stream=request.stream)
    prompts = read_inputs({"prompt": "" if body.get("prompt") is None else body["prompt"]}, "prompt", empty_texts=True)
    count = body.get("n") or 1
    made = max(body.get("best_of") or count, count)
    if made * len(prompts.each) * (request.tokens or 0) > MOST_TOKENS:
        raise wrong(f"The simulator writes at most {MOST_TOKENS} tokens in one answer.", "n")
    texts, unseen = _write(body, prompts, count, made, request.tokens)
    used = Usage(
        input_tokens=prompts.tokens_with(body.get("suffix") or ""),
        output_tokens=estimate_tokens(sum(text.characters for text in texts) + unseen),
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
    """The texts, and the characters of those that were written but not chosen (``best_of``)."""
    texts: list[_Text] = []
    unseen = 0
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
                unseen += len(text)
    return texts, unseen


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
    """One token in each event; several texts take turns."""
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
