"""Agno."""

from __future__ import annotations

from agno.agent import Agent
from agno.models.openai import OpenAIChat, OpenAIResponses
from agno.models.openai.like import OpenAILike
from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel

HOW = {"id": MODEL, "base_url": BASE_URL, "api_key": KEY}


class Person(BaseModel):
    name: str
    age: int


def chat() -> None:
    assert Agent(model=OpenAILike(**HOW), telemetry=False).run("hello").content


def stream() -> None:
    assert list(Agent(model=OpenAILike(**HOW), telemetry=False).run("hello", stream=True))


def tools() -> None:
    assert Agent(model=OpenAIChat(**HOW), tools=[weather], telemetry=False).run(QUESTION).content


def structured_output() -> None:
    answer = Agent(model=OpenAIChat(**HOW), output_schema=Person, telemetry=False).run("Somebody")
    assert isinstance(answer.content, Person)


def responses() -> None:
    assert Agent(model=OpenAIResponses(**HOW), tools=[weather], telemetry=False).run(QUESTION).content


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, responses=responses)
