"""aisuite."""

from __future__ import annotations

import aisuite
from common import BASE_URL, KEY, MODEL, QUESTION, report, weather

client = aisuite.Client({"openai": {"api_key": KEY, "base_url": BASE_URL}})


def chat() -> None:
    answer = client.chat.completions.create(model=f"openai:{MODEL}", messages=[{"role": "user", "content": "hello"}])
    assert answer.choices[0].message.content


def tools() -> None:
    messages = [{"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model=f"openai:{MODEL}", messages=messages, tools=[weather], max_turns=3)
    assert answer.choices[0].message.content


report(chat=chat, tools=tools)
