"""CAMEL."""

from __future__ import annotations

from camel.agents import ChatAgent
from camel.models import ModelFactory
from camel.toolkits import FunctionTool
from camel.types import ModelPlatformType
from camel.utils import BaseTokenCounter
from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


class Counter(BaseTokenCounter):
    """Counts without the tokenizer, which the library would fetch."""

    def count_tokens_from_messages(self, messages: list[object]) -> int:
        return len(str(messages)) // 4

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, token_ids: list[int]) -> str:
        return bytes(token_ids).decode()


def _agent(**more: object) -> ChatAgent:
    platform = ModelPlatformType.OPENAI_COMPATIBLE_MODEL
    model = ModelFactory.create(
        model_platform=platform, model_type=MODEL, url=BASE_URL, api_key=KEY, token_counter=Counter()
    )
    return ChatAgent("Be kind.", model=model, **more)


def chat() -> None:
    assert _agent().step("hello").msgs[0].content


def tools() -> None:
    assert _agent(tools=[FunctionTool(weather)]).step(QUESTION).msgs[0].content


def structured_output() -> None:
    assert isinstance(_agent().step("Somebody", response_format=Person).msgs[0].parsed, Person)


report(chat=chat, tools=tools, structured_output=structured_output)
