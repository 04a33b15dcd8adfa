"""LlamaIndex."""

from __future__ import annotations

from common import BASE_URL, EMBEDDINGS, KEY, MODEL, QUESTION, report, weather
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

model = OpenAILike(
    api_base=BASE_URL, api_key=KEY, model=MODEL, is_chat_model=True, is_function_calling_model=True, context_window=8000
)


class Person(BaseModel):
    name: str
    age: int


def chat() -> None:
    assert model.complete("hello").text


def stream() -> None:
    assert "".join(piece.delta or "" for piece in model.stream_complete("hello"))


async def tools() -> None:
    assert str(await FunctionAgent(tools=[weather], llm=model).run(QUESTION))


def structured_output() -> None:
    assert isinstance(model.as_structured_llm(Person).complete("Somebody").raw, Person)


def embeddings() -> None:
    assert OpenAILikeEmbedding(api_base=BASE_URL, api_key=KEY, model_name=EMBEDDINGS).get_text_embedding("a")


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, embeddings=embeddings)
