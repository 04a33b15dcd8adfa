"""LiteLLM's SDK."""

from __future__ import annotations

import litellm
from common import BASE_URL, EMBEDDINGS, KEY, MODEL, QUESTION, report
from pydantic import BaseModel

HOW = {"api_base": BASE_URL, "api_key": KEY}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Person(BaseModel):
    name: str
    age: int


def _ask(text: str, **more: object) -> object:
    return litellm.completion(model=f"openai/{MODEL}", messages=[{"role": "user", "content": text}], **HOW, **more)


def chat() -> None:
    answer = _ask("hello")
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0


def stream() -> None:
    pieces = list(_ask("hello", stream=True, stream_options={"include_usage": True}))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


def tools() -> None:
    answer = _ask(QUESTION, tools=[TOOL], tool_choice="required")
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"


def structured_output() -> None:
    Person.model_validate_json(_ask("Somebody", response_format=Person).choices[0].message.content)


def embeddings() -> None:
    assert litellm.embedding(model=f"openai/{EMBEDDINGS}", input=["a", "b"], **HOW).data


def responses() -> None:
    assert litellm.responses(model=f"openai/{MODEL}", input="hello", **HOW).output


report(
    chat=chat,
    stream=stream,
    tools=tools,
    structured_output=structured_output,
    embeddings=embeddings,
    responses=responses,
)
