"""Mirascope."""

from __future__ import annotations

from common import BASE_URL, KEY, MODEL, report
from mirascope import llm
from pydantic import BaseModel

llm.register_provider("openai", scope="openai/", base_url=BASE_URL, api_key=KEY)
NAME = f"openai/{MODEL}:completions"


class Person(BaseModel):
    name: str
    age: int


@llm.tool
def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"It is sunny in {city}."


@llm.call(NAME)
def greet() -> str:
    return "hello"


@llm.call(NAME, tools=[weather])
def ask() -> str:
    return "What is the weather in Paris?"


@llm.call(NAME, format=Person)
def make() -> str:
    return "Somebody"


def chat() -> None:
    assert greet().text()


def stream() -> None:
    assert "".join(greet.stream().text_stream())


def tools() -> None:
    answer = ask()
    assert answer.tool_calls
    assert answer.resume(answer.execute_tools()).text()


def structured_output() -> None:
    assert isinstance(make().parse(), Person)


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output)
