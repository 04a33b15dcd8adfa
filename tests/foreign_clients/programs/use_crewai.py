"""CrewAI."""

from __future__ import annotations

from common import BASE_URL, KEY, MODEL, QUESTION, report, weather
from crewai import LLM, Agent
from crewai.tools import tool
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


def _model(**more: object) -> LLM:
    return LLM(model=f"openai/{MODEL}", base_url=BASE_URL, api_key=KEY, **more)


def chat() -> None:
    assert _model().call("hello")


def stream() -> None:
    assert _model(stream=True).call("hello")


def tools() -> None:
    agent = Agent(role="r", goal="g", backstory="b", llm=_model(), tools=[tool("weather")(weather)], max_iter=3)
    assert agent.kickoff(QUESTION).raw


def structured_output() -> None:
    assert _model(response_format=Person).call("Somebody")


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output)
