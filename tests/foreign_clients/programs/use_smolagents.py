"""smolagents."""

from __future__ import annotations

from common import BASE_URL, KEY, MODEL, QUESTION, report
from smolagents import OpenAIServerModel, ToolCallingAgent, tool

model = OpenAIServerModel(model_id=MODEL, api_base=BASE_URL, api_key=KEY)
MESSAGES = [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]


@tool
def weather(city: str) -> str:
    """Return the weather in a city.

    Args:
        city: The city.
    """
    return f"It is sunny in {city}."


def chat() -> None:
    assert model.generate(MESSAGES).content


def stream() -> None:
    assert list(model.generate_stream(MESSAGES))


def tools() -> None:
    assert ToolCallingAgent(tools=[weather], model=model, max_steps=2, verbosity_level=0).run(QUESTION) is not None


report(chat=chat, stream=stream, tools=tools)
