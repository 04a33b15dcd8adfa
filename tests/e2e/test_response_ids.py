"""Ids of stored responses cannot be forged through what a caller writes, and made-up marks tell nothing."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, simulated

TEXTS = {"previous_response_id": "resp_of_another", "id": "resp_mine", "encrypted_content": "llmproxy.YQ.x"}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": TEXTS}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    offers = {"operations": ["Responses"]}
    hidden = simulated("hidden", private=True, projects=["another"], **offers)
    proxy = LLMProxy(tmp_path_factory.mktemp("ids"), simulated("thinker", **offers), hidden)
    headers = {"authorization": f"Bearer {proxy.key}"}
    with httpx.Client(base_url=f"{proxy.url}/v1", headers=headers, timeout=30) as made:
        yield made
    proxy.stop()


def create(client: httpx.Client, **members: object) -> httpx.Response:
    return client.post("/responses", json={"model": "thinker", "input": "Think of a number."} | members)


def test_what_a_caller_writes_is_never_taken_for_an_id(client: httpx.Client) -> None:
    made: dict[str, Any] = create(client, metadata=TEXTS, tools=[TOOL]).json()
    for seen in (made, client.get(f"/responses/{made['id']}").json()):
        assert seen["metadata"] == TEXTS
        assert seen["tools"][0]["parameters"] == TOOL["parameters"]


def test_a_mark_that_was_made_up_tells_nothing_of_private_documents(client: httpx.Client) -> None:
    answers = []
    for document in ("thinker", "hidden", "no-such-document"):
        mark = urlsafe_b64encode(document.encode()).decode().rstrip("=")
        item = {"type": "reasoning", "summary": [], "encrypted_content": f"llmproxy.{mark}.gAA"}
        answers.append(create(client, input=[item]))
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.text for answer in answers}) == 1
