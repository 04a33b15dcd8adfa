"""Stored responses over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from application.ports.providers import Answer, StoredAction
from application.serving.authenticate import DEFAULT_PROJECT
from domain.response_id import ResponseLocation
from tests.fakes.app_server import OpenProxy, open_proxy
from tests.fakes.in_process_proxy import IDS
from tests.fakes.provider import FakeStream

_ID = IDS.public(DEFAULT_PROJECT.id, ResponseLocation("sim", "resp_upstream"))
_FOREIGN = IDS.public("others", ResponseLocation("sim", "resp_upstream"))
_ANSWER = Answer(b'{"id": "resp_upstream", "object": "response"}', b"application/json", None)
_WAYS = [
    ("GET", "", StoredAction.RETRIEVE),
    ("DELETE", "", StoredAction.DELETE),
    ("POST", "/cancel", StoredAction.CANCEL),
    ("GET", "/input_items", StoredAction.INPUT_ITEMS),
]


@pytest.fixture
async def served() -> OpenProxy:
    return await open_proxy(sim=_ANSWER)


@pytest.fixture
async def client(served: OpenProxy) -> AsyncIterator[httpx.AsyncClient]:
    async with served.client() as made:
        yield made


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1", "/openai"])
@pytest.mark.parametrize(("method", "ending", "action"), _WAYS)
async def test_every_action_reaches_the_deployment(
    served: OpenProxy, client: httpx.AsyncClient, prefix: str, method: str, ending: str, action: StoredAction
) -> None:
    answer = await client.request(method, f"{prefix}/responses/{_ID}{ending}", headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.json()) == (200, {"id": _ID, "object": "response"})
    assert answer.headers["x-request-id"] == "mine"
    (call,) = served.provider.stored_calls
    assert (call.action, call.response_id, call.query, call.request_id) == (action, "resp_upstream", "", "mine")


@pytest.mark.parametrize(("method", "ending", "action"), _WAYS)
@pytest.mark.parametrize("response_id", [_FOREIGN, "resp_made_up", "made_up", "resp_%C3%A4"])
async def test_ids_that_mean_nothing_to_the_project(
    served: OpenProxy, client: httpx.AsyncClient, method: str, ending: str, action: StoredAction, response_id: str
) -> None:
    answer = await client.request(method, f"/v1/responses/{response_id}{ending}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "response_not_found"), action
    assert served.provider.stored_calls == []


@pytest.mark.parametrize(
    ("ending", "query", "upstream"),
    [
        (
            "",
            "api-version=1&include[]=a&include=b%20c&starting_after=3&stream=false&key=secret",
            "include%5B%5D=a&include=b+c&starting_after=3",
        ),
        ("", "limit=3&after=x", ""),
        (
            "/input_items",
            "limit=3&order=asc&after=a&before=b&include=c&other=d",
            "limit=3&order=asc&after=a&before=b&include=c",
        ),
        ("/input_items", "after=a%26key%3Db", "after=a%26key%3Db"),
    ],
)
async def test_only_known_parameters_go_upstream(
    served: OpenProxy, client: httpx.AsyncClient, ending: str, query: str, upstream: str
) -> None:
    answer = await client.get(f"/v1/responses/{_ID}{ending}?{query}")
    assert answer.status_code == 200
    assert [call.query for call in served.provider.stored_calls] == [upstream]


async def test_a_background_response_is_streamed() -> None:
    events = b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_upstream"}}\n\n'
    served = await open_proxy(sim=FakeStream(events))
    async with served.client() as client:
        answer = await client.get(f"/v1/responses/{_ID}?stream=true&starting_after=7&key=secret")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.content == events.replace(b"resp_upstream", _ID.encode())
    assert [call.query for call in served.provider.stored_calls] == ["stream=true&starting_after=7"]


@pytest.mark.parametrize("query", ["stream=1", "stream", "include=a&stream=True"])
async def test_stream_is_a_boolean(served: OpenProxy, client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/responses/{_ID}?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "stream")
    assert served.provider.stored_calls == []


@pytest.mark.parametrize("query", ["include=%ff", "&".join(["include=a"] * 51)])
async def test_a_malformed_query(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/responses/{_ID}?{query}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("method", "ending", "allowed"),
    [
        ("POST", "", "GET, DELETE"),
        ("GET", "/cancel", "POST"),
        ("POST", "/input_items", "GET"),
        ("PUT", "", "GET, DELETE"),
    ],
)
async def test_other_methods(client: httpx.AsyncClient, method: str, ending: str, allowed: str) -> None:
    answer = await client.request(method, f"/v1/responses/{_ID}{ending}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["error"]["code"] == "method_not_allowed"
