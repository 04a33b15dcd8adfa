"""Pydantic AI."""

from __future__ import annotations

from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url=BASE_URL, api_key=KEY)
model = OpenAIChatModel(MODEL, provider=provider)


class Person(BaseModel):
    name: str
    age: int


async def chat() -> None:
    answer = await Agent(model).run("hello")
    assert answer.output


async def stream() -> None:
    async with Agent(model).run_stream("hello") as answer:
        assert [piece async for piece in answer.stream_text()]


async def tools() -> None:
    assert (await Agent(model, tools=[weather]).run(QUESTION)).output
    assert isinstance((await Agent(model, output_type=Person).run("Somebody")).output, Person)


async def structured_output() -> None:
    assert isinstance((await Agent(model, output_type=NativeOutput(Person)).run("Somebody")).output, Person)


async def responses() -> None:
    assert (await Agent(OpenAIResponsesModel(MODEL, provider=provider), tools=[weather]).run(QUESTION)).output


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, responses=responses)
