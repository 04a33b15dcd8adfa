"""Haystack."""

from __future__ import annotations

from common import BASE_URL, EMBEDDINGS, KEY, MODEL, QUESTION, report, weather
from haystack.components.agents import Agent
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from pydantic import BaseModel

HOW = {"api_base_url": BASE_URL, "api_key": Secret.from_token(KEY)}


class Person(BaseModel):
    name: str
    age: int


def _run(text: str, **more: object) -> str:
    replies = OpenAIChatGenerator(model=MODEL, **HOW, **more).run(messages=[ChatMessage.from_user(text)])["replies"]
    return replies[0].text


def chat() -> None:
    assert _run("hello")


def stream() -> None:
    pieces: list[object] = []
    assert _run("hello", streaming_callback=pieces.append)
    assert len(pieces) > 1


def tools() -> None:
    agent = Agent(chat_generator=OpenAIChatGenerator(model=MODEL, **HOW), tools=[create_tool_from_function(weather)])
    assert agent.run(messages=[ChatMessage.from_user(QUESTION)])["messages"][-1].text


def structured_output() -> None:
    Person.model_validate_json(_run("Somebody", generation_kwargs={"response_format": Person}))


def embeddings() -> None:
    assert OpenAITextEmbedder(model=EMBEDDINGS, **HOW).run("a")["embedding"]


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, embeddings=embeddings)
