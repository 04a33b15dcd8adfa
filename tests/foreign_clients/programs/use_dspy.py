"""DSPy."""

from __future__ import annotations

import dspy
from common import BASE_URL, EMBEDDINGS, KEY, MODEL, report

model = dspy.LM(f"openai/{MODEL}", api_base=BASE_URL, api_key=KEY, cache=False)


def chat() -> None:
    assert model(messages=[{"role": "user", "content": "hello"}])


def embeddings() -> None:
    embedder = dspy.Embedder(f"openai/{EMBEDDINGS}", api_base=BASE_URL, api_key=KEY, caching=False)
    assert len(embedder(["a", "b"])) == 2


report(chat=chat, embeddings=embeddings)
