"""any-llm."""

from __future__ import annotations

from any_llm import completion, embedding
from common import BASE_URL, EMBEDDINGS, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel

HOW = {"provider": "openai", "api_base": BASE_URL, "api_key": KEY}


class Person(BaseModel):
    name: str
    age: int


def _ask(text: str, **more: object) -> object:
    return completion(model=MODEL, messages=[{"role": "user", "content": text}], **HOW, **more)


def chat() -> None:
    assert _ask("hello").choices[0].message.content


def stream() -> None:
    assert "".join(piece.choices[0].delta.content or "" for piece in _ask("hello", stream=True) if piece.choices)


def tools() -> None:
    answer = _ask(QUESTION, tools=[weather], tool_choice="required")
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"


def structured_output() -> None:
    Person.model_validate_json(_ask("Somebody", response_format=Person).choices[0].message.content)


def embeddings() -> None:
    assert embedding(model=EMBEDDINGS, inputs="a", **HOW).data


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, embeddings=embeddings)
