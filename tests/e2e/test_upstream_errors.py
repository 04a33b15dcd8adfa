"""Errors of upstreams as callers see them: every member, every form, and whose fault it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.every_operation import check_error, client_of, post
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

UPSTREAM_KEY = "sk-upstream-secret-0123456789"


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    reach = {"endpoint": f"{scripted.url}/v1", "secret_name": "UPSTREAM_API_KEY"}
    made = LLMProxy(
        tmp_path_factory.mktemp("errors"),
        upstream("up", scripted.url, parameters=reach),
        variables={"UPSTREAM_API_KEY": UPSTREAM_KEY},
    )
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


FILTERED = {
    "error": {
        "message": "The response was filtered",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"hate": {"filtered": True, "severity": "high"}},
            "note": f"key {UPSTREAM_KEY} at 127.0.0.1",
        },
    }
}


@pytest.mark.parametrize("stream", [False, True])
def test_further_members_of_an_error_come_through(
    client: httpx.Client,
    scripted: ScriptedUpstream,
    stream: bool,  # noqa: FBT001 - a parameter
) -> None:
    with scripted.answering(answer(json.dumps(FILTERED).encode(), status=b"400 Bad Request"), then="close"):
        refused = post(client, "chat/completions", "up", stream=stream)
    assert refused.status_code == 400
    assert UPSTREAM_KEY not in refused.text
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("content_filter", "prompt")
    assert error["innererror"]["content_filter_result"] == {"hate": {"filtered": True, "severity": "high"}}
    assert error["innererror"]["note"] == "key *** at the upstream"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'[{"error": {"message": "out of memory"}}]', b"application/json"),
        (b'{"errors": [{"detail": "out of memory"}]}', b"application/json"),
        (b'data: {"error": {"message": "out of memory"}}\n\n', b"text/event-stream"),
        (b"out of memory", b"text/plain"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_message_of_an_error_survives_in_every_form(
    client: httpx.Client,
    scripted: ScriptedUpstream,
    body: bytes,
    kind: bytes,
    stream: bool,  # noqa: FBT001 - a parameter
) -> None:
    with scripted.answering(answer(body, kind, b"500 Internal Server Error"), then="close"):
        refused = post(client, "chat/completions", "up", stream=stream)
    assert check_error(refused, 500) == "out of memory"


def test_the_operators_own_quota_is_not_the_callers(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    body = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    with scripted.answering(answer(body, status=b"429 Too Many Requests"), then="close"):
        refused = post(client, "chat/completions", "up")
    check_error(refused, 503, "upstream_quota")
    assert refused.headers["x-should-retry"] == "false"


def test_an_operation_that_the_upstream_lacks_is_not_repeated(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    with scripted.answering(answer(b'{"detail":"Not Found"}', status=b"404 Not Found"), then="close"):
        check_error(post(client, "chat/completions", "up"), 400, "operation_not_supported")
