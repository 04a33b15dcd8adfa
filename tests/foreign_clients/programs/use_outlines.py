"""Outlines."""

from __future__ import annotations

import outlines
from common import BASE_URL, KEY, MODEL, report
from openai import OpenAI
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


model = outlines.from_openai(OpenAI(base_url=BASE_URL, api_key=KEY), MODEL)


def chat() -> None:
    assert model("hello")


def stream() -> None:
    assert "".join(model.stream("hello"))


def structured_output() -> None:
    Person.model_validate_json(model("Somebody", Person))


report(chat=chat, stream=stream, structured_output=structured_output)
