"""Responses that upstreams keep: calls find the deployment that made them, from any replica, and for nobody else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until


@pytest.fixture(scope="module")
def simulators() -> Iterator[tuple[Simulator, Simulator]]:
    made = Simulator(), Simulator()
    yield made
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulators: tuple[Simulator, Simulator]) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path_factory.mktemp("proxy"), *documents(simulators))
    yield made
    made.stop()


def documents(simulators: tuple[Simulator, Simulator]) -> list[dict[str, object]]:
    """Two deployments of one model, which know nothing of each other."""
    offers = {"operations": ["ChatCompletion", "Responses"]}
    first, second = simulators
    return [
        upstream("thinker", first.url, id="east", **offers),
        upstream("thinker", second.url, id="west", **offers),
        upstream("other", first.url, id="other", **offers),
    ]


def client_of(proxy: LLMProxy, key: str = "") -> httpx.Client:
    headers = {"authorization": f"Bearer {key or proxy.key}"}
    return httpx.Client(base_url=f"{proxy.url}/v1", headers=headers, timeout=30)


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


def create(client: httpx.Client, **members: object) -> dict[str, Any]:
    answer = client.post("/responses", json={"model": "thinker", "input": "Think of a number."} | members)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def settled(proxy: LLMProxy) -> dict[str, Any]:
    """Return the project's usage once all lines are in the store, within a second."""
    latest: dict[str, Any] = {}
    since = time.monotonic()

    def stands() -> bool:
        nonlocal latest, since
        row = {row["project"]: row for row in proxy.usage()}["tests"]
        if row != latest:
            latest, since = row, time.monotonic()
        return time.monotonic() > since + 2

    wait_until(stands, 20, "a report that stands")
    return latest


def test_every_continuation_finds_the_deployment_that_made_it(client: httpx.Client, proxy: LLMProxy) -> None:
    for _ in range(12):  # by chance alone, half of these would go wrong
        made = create(client)
        assert made["id"].startswith("resp_")
        after = create(client, previous_response_id=made["id"])
        assert after["previous_response_id"] == made["id"]
        fetched = client.get(f"/responses/{after['id']}").json()
        assert (fetched["id"], fetched["previous_response_id"]) == (after["id"], made["id"])
        assert fetched["output"] == after["output"]
        items = client.get(f"/responses/{after['id']}/input_items", params={"limit": 5}).json()
        assert items["object"] == "list"
        assert client.delete(f"/responses/{made['id']}").json()["id"] == made["id"]
        assert client.get(f"/responses/{made['id']}").status_code == 404

    def calls() -> int:
        return sum(row["calls"] for row in proxy.usage("model") if row["model"] == "thinker")

    wait_until(lambda: calls() >= 24, 10, "every line")


def test_streamed_ones_are_kept_alike(client: httpx.Client) -> None:
    body = {"model": "thinker", "input": "Count.", "stream": True}
    with client.stream("POST", "/responses", json=body) as stream:
        text = stream.read().decode()
    ids = {part.split('"')[0] for part in text.split('"response":{"id":"')[1:]}
    (response_id,) = ids
    assert client.get(f"/responses/{response_id}").status_code == 200
    assert create(client, previous_response_id=response_id)["previous_response_id"] == response_id


def test_another_model_of_the_same_account_can_go_on(client: httpx.Client) -> None:
    made = create(client, model="other")
    # "other" is at the first simulator, and so is one of the deployments of "thinker".
    assert create(client, previous_response_id=made["id"])["previous_response_id"] == made["id"]


def test_reasoning_comes_back_to_its_maker(client: httpx.Client, simulators: tuple[Simulator, Simulator]) -> None:
    for _ in range(6):
        made = create(
            client, store=False, include=["reasoning.encrypted_content"], reasoning={"effort": "high"}, input="Why?"
        )
        thoughts = [item for item in made["output"] if item["type"] == "reasoning"]
        assert thoughts
        sent = thoughts[0]["encrypted_content"]
        assert sent
        before = [each.calls()["calls"] for each in simulators]
        again = [{"role": "user", "content": "Why?"}, *made["output"], {"role": "user", "content": "And then?"}]
        create(client, store=False, include=["reasoning.encrypted_content"], input=again)
        after = [each.calls()["calls"] for each in simulators]
        (place,) = [number for number in (0, 1) if after[number] != before[number]]
        arrived = simulators[place].last()["text"]
        assert sent not in arrived  # the mark is taken off ...
        assert sent.rpartition(".")[2] in arrived  # ... and nothing else of it


def test_another_project_has_no_such_response(client: httpx.Client, proxy: LLMProxy) -> None:
    made = create(client)
    with client_of(proxy, proxy.create_key("strangers")) as strangers:
        # Their key reaches the server with its next look at the store.
        wait_until(lambda: strangers.get("/models").status_code == 200, 10, "the other project's key")
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
            answer = strangers.request(method, f"/responses/{made['id']}{path}")
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "response_not_found"
        body = {"model": "thinker", "input": "Go on.", "previous_response_id": made["id"]}
        answer = strangers.post("/responses", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"] == {
            "message": f"Previous response with id '{made['id']}' not found.",
            "type": "invalid_request_error",
            "param": "previous_response_id",
            "code": "previous_response_not_found",
        }
    assert client.get(f"/responses/{made['id']}").status_code == 200


@pytest.mark.parametrize("wrong", ["resp_", "resp_AAAA", "nothing", "resp_" + "A" * 3000, "%20", "resp_%C3%BC"])
def test_an_id_that_somebody_made_up(client: httpx.Client, wrong: str) -> None:
    answer = client.get(f"/responses/{wrong}")
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_any_replica_and_any_later_start_know_them(
    client: httpx.Client, proxy: LLMProxy, simulators: tuple[Simulator, Simulator], tmp_path: Path
) -> None:
    made = create(client)
    folder = Path(proxy.env["DATA_DIR"]).parent
    replica = LLMProxy(folder, variables={})
    try:
        with client_of(replica) as elsewhere:
            assert elsewhere.get(f"/responses/{made['id']}").status_code == 200
            assert create(elsewhere, previous_response_id=made["id"])["previous_response_id"] == made["id"]
    finally:
        replica.stop()
    stranger = LLMProxy(tmp_path, *documents(simulators))
    try:
        with client_of(stranger) as elsewhere:  # the same names, but another key seals its ids
            assert elsewhere.get(f"/responses/{made['id']}").status_code == 404
    finally:
        stranger.stop()


def numbered(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in stream.iter_lines():
        if line.startswith("data: {"):
            yield json.loads(line[6:])


@pytest.mark.parametrize("disconnected", [False, True])
def test_a_background_stream_is_resumed_and_counted_once(
    client: httpx.Client, proxy: LLMProxy, *, disconnected: bool
) -> None:
    create(client)
    before = settled(proxy)["output_tokens"]
    body = {"model": "thinker", "input": "Count.", "stream": True, "background": True}
    with client.stream("POST", "/responses", json=body | {"simulator": {"tokens": 200, "tps": 500}}) as stream:
        seen = []
        for event in numbered(stream):
            seen.append(event)
            if disconnected and len(seen) == 10:
                break
    response_id, last = seen[0]["response"]["id"], seen[-1]["sequence_number"]
    for after in (last if disconnected else 7, 3, None):
        query = {"stream": "true"} | ({} if after is None else {"starting_after": str(after)})
        with client.stream("GET", f"/responses/{response_id}", params=query) as stream:
            assert stream.status_code == 200
            rest = list(numbered(stream))
        first = 0 if after is None else after + 1
        assert [event["sequence_number"] for event in rest] == list(range(first, first + len(rest)))
        assert (rest[-1]["type"], rest[-1]["response"]["id"]) == ("response.completed", response_id)
        assert rest[-1]["response"]["usage"]["output_tokens"] == 200
    total = settled(proxy)["output_tokens"]
    assert total == before + 200
    with client.stream("GET", f"/responses/{response_id}", params={"stream": "true"}) as stream:
        assert len(list(numbered(stream))) > 200
    assert settled(proxy)["output_tokens"] == total
    direct = client.post("/responses", json={"model": "thinker", "input": "Count."})
    refused = client.get(f"/responses/{direct.json()['id']}", params={"stream": "true"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "stream")


def test_what_is_made_in_the_background_is_counted_once(proxy: LLMProxy, client: httpx.Client) -> None:
    def lines() -> dict[str, Any]:
        rows = [row for row in proxy.usage("user") if row["user"] == "patient"]
        return rows[0] if rows else {"calls": 0}

    made = create(client, background=True, user="patient")
    assert made["status"] in {"queued", "in_progress"}

    def fetched() -> dict[str, Any]:
        answer: dict[str, Any] = client.get(f"/responses/{made['id']}").json()
        return answer

    wait_until(lambda: fetched()["status"] == "completed", 20, "the background response")
    usage = fetched()["usage"]
    before = settled(proxy)
    for _ in range(5):
        assert fetched()["usage"] == usage
    wait_until(lambda: lines()["calls"] == 1, 10, "the promise's line")
    assert (lines()["input_tokens"], lines()["output_tokens"], lines()["inexact"]) == (0, 0, 1)
    after = settled(proxy)
    assert after["output_tokens"] == before["output_tokens"] >= usage["output_tokens"]
