"""chatlas."""

from __future__ import annotations

from chatlas import ChatOpenAI, ChatOpenAICompletions
from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


def _chat() -> object:
    return ChatOpenAICompletions(base_url=BASE_URL, api_key=KEY, model=MODEL)


def chat() -> None:
    assert str(_chat().chat("hello", echo="none", stream=False))


def stream() -> None:
    assert "".join(_chat().stream("hello"))


def tools() -> None:
    session = _chat()
    session.register_tool(weather)
    assert str(session.chat(QUESTION, echo="none"))


def structured_output() -> None:
    assert isinstance(_chat().chat_structured("Somebody", data_model=Person), Person)


def responses() -> None:
    session = ChatOpenAI(base_url=BASE_URL, api_key=KEY, model=MODEL)
    session.register_tool(weather)
    assert str(session.chat(QUESTION, echo="none"))


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, responses=responses)
