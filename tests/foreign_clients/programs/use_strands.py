"""Strands Agents."""

from __future__ import annotations

from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel
from strands import Agent, tool
from strands.models.openai import OpenAIModel


class Person(BaseModel):
    name: str
    age: int


def _agent(**more: object) -> Agent:
    model = OpenAIModel(client_args={"base_url": BASE_URL, "api_key": KEY}, model_id=MODEL)
    return Agent(model=model, callback_handler=None, **more)


async def stream() -> None:
    assert [event async for event in _agent().stream_async("hello")]


def tools() -> None:
    assert str(_agent(tools=[tool(weather)])(QUESTION))


def structured_output() -> None:
    assert isinstance(_agent()("Somebody", structured_output_model=Person).structured_output, Person)


report(stream=stream, tools=tools, structured_output=structured_output)
