"""Every value that OpenAI's API names for a parameter, as its official client's types list them, is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from openai.types import CompletionCreateParams, EmbeddingCreateParams, ImageGenerateParams
from openai.types.audio import SpeechCreateParams
from openai.types.chat import CompletionCreateParams as ChatCreateParams
from openai.types.responses import ResponseCreateParams

from domain.operation import Endpoint
from infra.simulator.operations import OPERATIONS
from infra.simulator.reply import Request

HELLO = [{"role": "user", "content": "Hello"}]
FUNCTION = {"type": "function", "name": "f", "function": {"name": "f"}}
BODIES: dict[Endpoint, tuple[Any, dict[str, Any]]] = {
    Endpoint.CHAT_COMPLETIONS: (ChatCreateParams, {"messages": HELLO, "tools": [FUNCTION]}),
    Endpoint.RESPONSES: (ResponseCreateParams, {"input": "Hello", "tools": [FUNCTION]}),
    Endpoint.COMPLETIONS: (CompletionCreateParams, {"prompt": "Hello"}),
    Endpoint.EMBEDDINGS: (EmbeddingCreateParams, {"input": "Hello"}),
    Endpoint.IMAGE_GENERATIONS: (ImageGenerateParams, {"prompt": "A cat"}),
    Endpoint.SPEECH: (SpeechCreateParams, {"input": "Hello", "voice": "alloy"}),
}
UNSUPPORTED = {
    ("modalities", "audio"): "the simulator generates only text",
    ("model", "*"): "any name is a model",
    ("tools", "*"): "items are objects; see test_tools.py",
    ("messages", "*"): "items are objects; see test_chat_request.py",
}


def _literals(annotation: Any) -> Iterator[Any]:
    """Yield the values of a parameter that a type lists, also as items of arrays and members of objects."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif hasattr(annotation, "__required_keys__"):  # a typed dictionary
        hints = get_type_hints(annotation)
        if "type" not in hints:
            for name, hint in hints.items():
                yield from ({name: value} for value in _literals(hint))
    elif get_origin(annotation) is not None:
        array = getattr(get_origin(annotation), "__name__", "") in {"list", "List", "SequenceNotStr", "Iterable"}
        for argument in get_args(annotation):
            yield from ([value] for value in _literals(argument)) if array else _literals(argument)


def _cases() -> Iterator[tuple[Endpoint, str, Any]]:
    for endpoint, (params, _) in BODIES.items():
        hints: dict[str, Any] = {}
        for each in get_args(params) or (params,):
            hints |= get_type_hints(each)
        for name, hint in sorted(hints.items()):
            for value in _literals(hint):
                each = value[0] if isinstance(value, list) else value
                excluded = not isinstance(each, dict) and (name, each) in UNSUPPORTED
                if (name, "*") not in UNSUPPORTED and not excluded:
                    yield endpoint, name, value


CASES = list(_cases())


def test_the_types_list_values() -> None:
    named = {(endpoint, name) for endpoint, name, _ in CASES}
    assert (Endpoint.CHAT_COMPLETIONS, "reasoning_effort") in named
    assert (Endpoint.RESPONSES, "reasoning") in named
    assert (Endpoint.RESPONSES, "include") in named
    assert len(CASES) > 80


@pytest.mark.parametrize(
    ("endpoint", "name", "value"), CASES, ids=[f"{each[0].value}-{each[1]}-{each[2]}" for each in CASES]
)
def test_every_named_value_is_accepted(endpoint: Endpoint, name: str, value: Any) -> None:
    body = {
        "model": "gpt-image-1" if endpoint is Endpoint.IMAGE_GENERATIONS else "m",
        **BODIES[endpoint][1],
        name: value,
    }
    if "stream" in body or "stream_options" in body:
        body["stream"] = True
    OPERATIONS[endpoint](Request(body, 17, stream=body.get("stream") is True))  # raises for what it rejects
