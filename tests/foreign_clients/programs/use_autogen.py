"""AutoGen."""

from __future__ import annotations

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelInfo, UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel

INFO = ModelInfo(vision=False, function_calling=True, json_output=True, structured_output=True, family="unknown")
HELLO = [UserMessage(content="hello", source="user")]


class Person(BaseModel):
    name: str
    age: int


def _client() -> OpenAIChatCompletionClient:
    return OpenAIChatCompletionClient(model=MODEL, base_url=BASE_URL, api_key=KEY, model_info=INFO)


async def chat() -> None:
    assert (await _client().create(HELLO)).content


async def stream() -> None:
    assert [piece async for piece in _client().create_stream(HELLO)]


async def tools() -> None:
    agent = AssistantAgent("a", _client(), tools=[weather], reflect_on_tool_use=True)
    assert (await agent.run(task=QUESTION)).messages[-1].to_text()


async def structured_output() -> None:
    answer = await _client().create(HELLO, json_output=Person)
    Person.model_validate_json(answer.content)


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output)
