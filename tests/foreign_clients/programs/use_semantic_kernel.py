"""Semantic Kernel."""

from __future__ import annotations

from common import BASE_URL, EMBEDDINGS, KEY, MODEL, QUESTION, report
from openai import AsyncOpenAI
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
    OpenAITextEmbedding,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function


class Person(BaseModel):
    name: str
    age: int


class Sky:
    @kernel_function(description="Return the weather in a city.")
    def weather(self, city: str) -> str:
        return f"It is sunny in {city}."


def _service() -> OpenAIChatCompletion:
    return OpenAIChatCompletion(ai_model_id=MODEL, async_client=AsyncOpenAI(base_url=BASE_URL, api_key=KEY))


def _history(text: str) -> ChatHistory:
    history = ChatHistory()
    history.add_user_message(text)
    return history


async def chat() -> None:
    assert str(await _service().get_chat_message_content(_history("hello"), OpenAIChatPromptExecutionSettings()))


async def stream() -> None:
    pieces = _service().get_streaming_chat_message_content(_history("hello"), OpenAIChatPromptExecutionSettings())
    assert [piece async for piece in pieces]


async def tools() -> None:
    kernel = Kernel()
    kernel.add_plugin(Sky(), "sky")
    settings = OpenAIChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    assert str(await _service().get_chat_message_content(_history(QUESTION), settings, kernel=kernel))


async def structured_output() -> None:
    settings = OpenAIChatPromptExecutionSettings(response_format=Person)
    Person.model_validate_json(str(await _service().get_chat_message_content(_history("Somebody"), settings)))


async def embeddings() -> None:
    client = AsyncOpenAI(base_url=BASE_URL, api_key=KEY)
    vectors = await OpenAITextEmbedding(ai_model_id=EMBEDDINGS, async_client=client).generate_embeddings(["a", "b"])
    assert len(vectors) == 2


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output, embeddings=embeddings)
