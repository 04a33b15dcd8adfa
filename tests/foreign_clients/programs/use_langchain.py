"""LangChain and LangGraph."""

from __future__ import annotations

from common import BASE_URL, EMBEDDINGS, KEY, MODEL, QUESTION, report, weather
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.prebuilt import create_react_agent
from pydantic import BaseModel

model = ChatOpenAI(base_url=BASE_URL, api_key=KEY, model=MODEL)


class Person(BaseModel):
    name: str
    age: int


def chat() -> None:
    answer = model.invoke("hello")
    assert answer.content
    assert answer.usage_metadata["total_tokens"] > 0


def stream() -> None:
    pieces = list(model.stream("hello", stream_usage=True))
    assert len(pieces) > 1
    assert "".join(str(piece.content) for piece in pieces)
    assert any(piece.usage_metadata for piece in pieces)


def tools() -> None:
    answer = model.bind_tools([tool(weather)], tool_choice="weather").invoke(QUESTION)
    assert answer.tool_calls[0]["name"] == "weather"
    agent = create_react_agent(model, [tool(weather)])
    messages = agent.invoke({"messages": [("user", QUESTION)]})["messages"]
    assert messages[-1].content


def structured_output() -> None:
    assert isinstance(model.with_structured_output(Person).invoke("Somebody"), Person)


def embeddings() -> None:
    # The check would fetch a tokenizer, and send tokens that only OpenAI's own models know.
    embedder = OpenAIEmbeddings(base_url=BASE_URL, api_key=KEY, model=EMBEDDINGS, check_embedding_ctx_length=False)
    assert len(embedder.embed_documents(["a", "b"])) == 2


def responses() -> None:
    answer = ChatOpenAI(base_url=BASE_URL, api_key=KEY, model=MODEL, use_responses_api=True).invoke("hello")
    assert answer.content


report(
    chat=chat,
    stream=stream,
    tools=tools,
    structured_output=structured_output,
    embeddings=embeddings,
    responses=responses,
)
