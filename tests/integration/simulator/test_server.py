"""The stand-alone simulator, run as its command runs it, seen by the official client and by a bare one."""

import gzip
import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.fakes.llmproxy_server import Simulator

HELLO: Any = [{"role": "user", "content": "Hello there"}]


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Start a server process and return its address without ``/v1``."""
    process = Simulator(*options)
    try:
        yield process.base_url
    finally:
        process.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture
def address(server: str) -> str:
    httpx.post(f"{server}/simulator/reset").raise_for_status()
    return server


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="sk-made-up", max_retries=0) as made:
        yield made


def calls(address: str) -> dict[str, int]:
    found: dict[str, int] = httpx.get(f"{address}/simulator/calls").json()
    return found


def eventually(address: str, holds: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """Wait until the counters are as expected; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not holds(found := calls(address)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def orders(**members: Any) -> dict[str, Any]:
    return {"simulator": members}


def post(address: str, path: str = "/v1/chat/completions", **members: Any) -> httpx.Response:
    return httpx.post(f"{address}{path}", json={"model": "m", "messages": HELLO, **members})


# --- the official client ---


def test_a_plain_answer(client: openai.OpenAI, address: str) -> None:
    first = client.chat.completions.create(model="m", messages=HELLO)
    second = client.chat.completions.create(model="m", messages=HELLO)
    assert first.choices == second.choices
    assert first.choices[0].finish_reason == "stop"
    assert first.usage is not None
    assert first._request_id
    found = httpx.get(f"{address}/simulator/calls").json()
    assert found.pop("operations") == {"chat/completions": 2}
    assert {name: count for name, count in found.items() if count} == {
        "calls": 2,
        "input_tokens": 2 * first.usage.prompt_tokens,
        "output_tokens": 2 * first.usage.completion_tokens,
    }


def test_a_stream(client: openai.OpenAI, address: str) -> None:
    whole = client.chat.completions.create(model="m", messages=HELLO)
    chunks = list(
        client.chat.completions.create(
            model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}, reasoning_effort="low"
        )
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert whole.usage is not None
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.completion_tokens == whole.usage.completion_tokens + 16
    assert calls(address)["output_tokens"] == whole.usage.completion_tokens + usage.completion_tokens


def test_the_stream_helper_of_the_client(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="m", messages=HELLO, n=2, logprobs=True, top_logprobs=2) as stream:
        final = stream.get_final_completion()
    whole = client.chat.completions.create(model="m", messages=HELLO, n=2, logprobs=True, top_logprobs=2)
    assert [each.message.content for each in final.choices] == [each.message.content for each in whole.choices]
    for ours, theirs in zip(final.choices, whole.choices, strict=True):
        assert ours.logprobs is not None
        assert theirs.logprobs is not None
        assert ours.logprobs.content == theirs.logprobs.content


class Relation(BaseModel):
    """A schema that refers to itself."""

    kind: Literal["red", "green"]
    count: int
    inside: list["Relation"]
    note: str | None


class Report(BaseModel):
    """A schema with lists and bounds to meet."""

    title: str
    parts: list[Relation]
    ratio: float
    good: bool


def test_structured_output_parses(client: openai.OpenAI) -> None:
    completion = client.chat.completions.parse(model="m", messages=HELLO, response_format=Report)
    parsed = completion.choices[0].message.parsed
    assert isinstance(parsed, Report)
    assert parsed.parts[0].kind == "red"
    with client.chat.completions.stream(model="m", messages=HELLO, response_format=Report) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == parsed


class GetWeather(BaseModel):
    """The arguments of a tool."""

    city: str
    days: int


def test_tools_plain_and_streamed(client: openai.OpenAI) -> None:
    tools = [openai.pydantic_function_tool(GetWeather), openai.pydantic_function_tool(Relation, name="find_part")]
    messages: Any = [{"role": "user", "content": "Use GetWeather and find_part."}]
    completion = client.chat.completions.parse(model="m", messages=messages, tools=tools)
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    assert [type(call.function.parsed_arguments) for call in choice.message.tool_calls] == [GetWeather, Relation]
    with client.chat.completions.stream(model="m", messages=messages, tools=tools) as stream:
        streamed = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed is not None
    assert [call.model_dump() for call in streamed] == [
        {**call.model_dump(), "index": index} for index, call in enumerate(choice.message.tool_calls)
    ]
    answers = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in choice.message.tool_calls]
    history = [*messages, choice.message.model_dump(include={"role", "content", "tool_calls"}), *answers]
    after = client.chat.completions.create(model="m", messages=history, tools=tools)
    assert after.choices[0].message.content


def test_n_stop_and_images(client: openai.OpenAI) -> None:
    parts: Any = [
        {"type": "text", "text": "one STOP two"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    completion = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": parts}], n=3, stop="STOP"
    )
    assert [choice.message.content for choice in completion.choices] == ['You asked: "one '] * 3
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 3 + 85 + 100
    assert completion.usage.completion_tokens == 12


def test_cached_tokens_are_reported_and_counted(client: openai.OpenAI, address: str) -> None:
    messages: Any = [{"role": "system", "content": "s" * 6000}, *HELLO]
    usage = client.chat.completions.create(model="m", messages=messages).usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 1408
    assert calls(address)["cached_tokens"] == 1408


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["simulator"]
    assert client.models.retrieve("azure/gpt").id == "azure/gpt"


def test_the_azure_client(address: str) -> None:
    with openai.AzureOpenAI(azure_endpoint=address, api_version="2024-10-21", api_key="k", max_retries=0) as azure:
        assert azure.chat.completions.create(model="my-deployment", messages=HELLO).model == "my-deployment"
    last = httpx.get(f"{address}/simulator/last").json()
    assert last["path"] == "/openai/deployments/my-deployment/chat/completions"
    assert last["query"] == "api-version=2024-10-21"
    assert post(address, "/openai/v1/chat/completions").status_code == 200
    assert post(address, "/openai/deployments/d/chat/completions").status_code == 404
    path = "/openai/deployments/d/chat/completions?api-version=1"
    assert httpx.post(f"{address}{path}", json={"messages": HELLO}).json()["model"] == "d"


def test_errors_raise_the_exceptions_of_the_client(client: openai.OpenAI, address: str) -> None:
    expected: list[tuple[int, type[openai.APIStatusError]]] = [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ]
    for status, kind in expected:
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model="m", messages=HELLO, extra_body=orders(status=status, retry_after=3))
        assert caught.value.status_code == status
        assert caught.value.response.headers["retry-after"] == "3"
        assert set(caught.value.response.json()["error"]) == {"message", "type", "param", "code"}
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="m", messages=HELLO, n=0)
    assert (bad.value.param, bad.value.code) == ("n", "integer_below_min_value")
    found = calls(address)
    assert (found["failed"], found["calls"], found["input_tokens"]) == (len(expected) + 1, 0, 0)


def test_an_error_inside_a_stream_raises(client: openai.OpenAI) -> None:
    seen = []
    with pytest.raises(openai.APIError, match="Simulated failure"):  # noqa: PT012 - it comes in the middle
        for chunk in client.chat.completions.create(
            model="m", messages=HELLO, stream=True, extra_body=orders(error_in_stream=3)
        ):
            seen.append(chunk)  # noqa: PERF402 - a list() would lose what came before the error
    assert len(seen) == 3


# --- faults, byte by byte ---


def received_until_cut(address: str, members: dict[str, Any]) -> bytes:
    """Return the outcome of a truncated response."""
    received = b""
    with httpx.stream("POST", f"{address}/v1/chat/completions", json=members) as response:
        try:
            for data in response.iter_raw():
                received += data
        except httpx.RemoteProtocolError:
            return received
    raise AssertionError("the answer ended well")


def test_a_cut_stream_is_incomplete(address: str) -> None:
    received = received_until_cut(address, {"model": "m", "messages": HELLO, "stream": True, **orders(cut_after=4)})
    assert received.count(b"data: ") == 4
    assert b"[DONE]" not in received
    assert eventually(address, lambda found: found["open"] == 0)["output_tokens"] == 3
    assert calls(address)["aborted"] == 0


def test_a_cut_answer_is_shorter_than_its_content_length(address: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(address, **orders(cut_after=0))
    assert calls(address)["failed"] == 1
    assert calls(address)["calls"] == 0


def test_malformed_html_empty_and_without_usage(address: str) -> None:
    malformed = post(address, **orders(malformed=True))
    assert malformed.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        malformed.json()
    streamed = post(address, stream=True, **orders(malformed=True)).text.split("\n\n")
    with pytest.raises(json.JSONDecodeError):
        json.loads(streamed[1].removeprefix("data: "))
    page = post(address, **orders(html=True))
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html")
    empty = post(address, **orders(empty=True))
    assert (empty.status_code, empty.content) == (200, b"")
    assert post(address, stream=True, **orders(empty=True)).content == b""
    assert "usage" not in post(address, **orders(no_usage=True)).json()
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    assert '"usage"' not in post(address, **options, **orders(no_usage=True)).text


def test_gzip(address: str) -> None:
    plain, packed = post(address), post(address, **orders(gzip=True))
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["choices"] == plain.json()["choices"]
    with httpx.stream(
        "POST",
        f"{address}/v1/chat/completions",
        json={"model": "m", "messages": HELLO, "stream": True, **orders(gzip=True)},
    ) as response:
        raw = b"".join(response.iter_raw())
    assert gzip.decompress(raw).endswith(b"data: [DONE]\n\n")


def test_bad_requests(address: str) -> None:
    url = f"{address}/v1/chat/completions"
    for body in (b"{", b"[]", b"\xff", b"", b"[" * 100_000):
        response = httpx.post(url, content=body)
        assert response.status_code == 400
        assert response.json()["error"]["type"] == "invalid_request_error"
        assert response.headers["x-request-id"]
    assert httpx.get(url).status_code == 405
    assert httpx.post(f"{address}/v1/nothing").status_code == 404


# --- leaving in the middle ---


def test_an_abandoned_stream_counts_what_was_sent(client: openai.OpenAI, address: str) -> None:
    with client.chat.completions.create(
        model="m", messages=HELLO, stream=True, extra_body=orders(tokens=100_000, tps=100)
    ) as stream:
        said = ""
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
            if len(said) == 40:
                break
        assert calls(address)["open"] == 1
    found = eventually(address, lambda found: found["open"] == 0)
    assert (found["calls"], found["aborted"], found["input_tokens"]) == (1, 1, 3)
    assert 10 <= found["output_tokens"] < 1000


@pytest.mark.parametrize("members", [{"stall_after": 3}, {"ttft": 600}, {"tokens": 5, "tps": 0.01}])
@pytest.mark.parametrize("stream", [True, False])
def test_a_disconnect_is_detected_while_waiting(address: str, members: dict[str, Any], stream: bool) -> None:  # noqa: FBT001 - a test's parameter
    body = json.dumps({"model": "m", "messages": HELLO, "stream": stream, **orders(**members)}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as connection:
        connection.sendall(head + body)
        eventually(address, lambda found: found["open"] == 1)
    found = eventually(address, lambda found: found["open"] == 0)
    assert (found["calls"], found["aborted"]) == (1, 1)
    assert found["output_tokens"] == (2 if stream and "stall_after" in members else 0)


# --- what arrived ---


def test_the_last_request_contains_no_credential(address: str) -> None:
    assert httpx.get(f"{address}/simulator/last").json() is None
    raw = b'{"model": "m",  "messages": [{"role":"user","content":"Hello"}], "novel": 1.50}'
    headers = {"authorization": "Bearer sk-made-up", "api-key": "other", "x-own": "seen"}
    httpx.post(f"{address}/v1/chat/completions", content=raw, headers=headers)
    text = httpx.get(f"{address}/simulator/last").text
    last = json.loads(text)
    assert last["text"] == raw.decode()
    assert last["body"]["novel"] == 1.5
    assert last["sha256"] == hashlib.sha256(raw).hexdigest()
    assert last["headers"]["x-own"] == "seen"
    assert last["headers"]["authorization"] == "Bearer sha256:" + hashlib.sha256(b"sk-made-up").hexdigest()[:12]
    assert last["headers"]["api-key"] == "sha256:" + hashlib.sha256(b"other").hexdigest()[:12]
    assert "sk-made-up" not in text


# --- options of the command ---


def test_options() -> None:
    with running(
        "--api-key", "sk-right-key", "--error-rate", "0.5", "--status", "503", "--retry-after", "2"
    ) as address:
        with openai.OpenAI(base_url=f"{address}/v1", api_key="sk-wrong-key-here", max_retries=0) as wrong:
            with pytest.raises(openai.AuthenticationError) as caught:
                wrong.chat.completions.create(model="m", messages=HELLO)
            assert caught.value.code == "invalid_api_key"
            assert "sk-wrong-key-here" not in caught.value.message
            with pytest.raises(openai.AuthenticationError):
                wrong.models.list()
        assert post(address).status_code == 401
        headers = {"api-key": "sk-right-key"}
        body = {"model": "m", "messages": HELLO}
        statuses = [
            httpx.post(f"{address}/v1/chat/completions", json=body, headers=headers).status_code for _ in range(6)
        ]
        assert statuses == [200, 503, 200, 503, 200, 503]
        assert calls(address)["calls"] == 3
