"""Instructor."""

from __future__ import annotations

import instructor
from common import BASE_URL, KEY, MODEL, report
from openai import OpenAI
from pydantic import BaseModel

MESSAGES = [{"role": "user", "content": "Somebody"}]


class Person(BaseModel):
    name: str
    age: int


def _made(mode: instructor.Mode) -> None:
    client = instructor.from_openai(OpenAI(base_url=BASE_URL, api_key=KEY), mode=mode)
    assert isinstance(client.create(model=MODEL, messages=MESSAGES, response_model=Person), Person)


def tools() -> None:
    _made(instructor.Mode.TOOLS)


def structured_output() -> None:
    _made(instructor.Mode.JSON_SCHEMA)


def stream() -> None:
    client = instructor.from_openai(OpenAI(base_url=BASE_URL, api_key=KEY), mode=instructor.Mode.TOOLS)
    last = list(client.create_partial(model=MODEL, messages=MESSAGES, response_model=Person))[-1]
    assert last.name is not None


report(stream=stream, tools=tools, structured_output=structured_output)
