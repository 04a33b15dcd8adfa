"""OpenAI's Agents SDK."""

from __future__ import annotations

from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from openai import AsyncOpenAI
from pydantic import BaseModel

set_tracing_disabled(True)


class Person(BaseModel):
    name: str
    age: int


def _model(kind: type) -> object:
    return kind(model=MODEL, openai_client=AsyncOpenAI(base_url=BASE_URL, api_key=KEY))


async def chat() -> None:
    agent = Agent(name="a", instructions="Be kind.", model=_model(OpenAIChatCompletionsModel))
    assert (await Runner.run(agent, "hello")).final_output


async def stream() -> None:
    run = Runner.run_streamed(Agent(name="a", model=_model(OpenAIChatCompletionsModel)), "hello")
    assert [event async for event in run.stream_events()]
    assert run.final_output


async def tools() -> None:
    agent = Agent(name="a", model=_model(OpenAIChatCompletionsModel), tools=[function_tool(weather)])
    assert (await Runner.run(agent, QUESTION)).final_output


async def structured_output() -> None:
    agent = Agent(name="a", model=_model(OpenAIChatCompletionsModel), output_type=Person)
    assert isinstance((await Runner.run(agent, "Somebody")).final_output, Person)


async def responses() -> None:
    agent = Agent(name="a", model=_model(OpenAIResponsesModel), tools=[function_tool(weather)])
    assert (await Runner.run(agent, QUESTION)).final_output
    run = Runner.run_streamed(agent, QUESTION)
    assert [event async for event in run.stream_events()]
    assert run.final_output


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, responses=responses)
