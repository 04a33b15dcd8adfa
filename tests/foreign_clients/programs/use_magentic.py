"""magentic."""

from common import BASE_URL, KEY, MODEL, report, weather
from magentic import FunctionCall, OpenaiChatModel, StreamedStr, prompt
from pydantic import BaseModel

model = OpenaiChatModel(MODEL, base_url=BASE_URL, api_key=KEY)


class Person(BaseModel):
    name: str
    age: int


@prompt("hello", model=model)
def greet() -> str: ...


@prompt("hello", model=model)
def greet_slowly() -> StreamedStr: ...


@prompt("Somebody", model=model)
def make() -> Person: ...


@prompt("What is the weather in Paris?", functions=[weather], model=model)
def ask() -> FunctionCall[str]: ...


def chat() -> None:
    assert greet()


def stream() -> None:
    assert "".join(greet_slowly())


def tools() -> None:
    assert "sunny" in ask()()


def structured_output() -> None:
    assert isinstance(make(), Person)


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output)
