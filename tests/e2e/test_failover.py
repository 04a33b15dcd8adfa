"""Every kind of failure before content has reached the caller moves on to the next deployment, plain and streamed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import nullcontext
from typing import NamedTuple

import httpx
import pytest

from tests.fakes.chat_upstream import chat_stream
from tests.fakes.every_operation import attempts_of, line_of
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

NOWHERE = "http://127.0.0.1:1/v1"


class Kind(NamedTuple):
    """A way to fail.

    Attributes:
        name: of the model whose first deployment fails so.
        pieces: what the upstream sends.
        then: what it does next.
        status: of the attempt in the ledger.
        error: of the attempt in the ledger; None for whatever the upstream says.
        endpoint: of the first deployment; empty for the scripted upstream.
    """

    name: str
    pieces: list[bytes]
    then: str = "close"
    status: int | None = None
    error: str | None = None
    endpoint: str = ""


def refusal(status: bytes, headers: bytes = b"", **error: str) -> list[bytes]:
    body = json.dumps({"error": {"message": "no", **error}}).encode()
    return [answer(body, status=status, headers=b"connection: close\r\n" + headers)]


PAGE = answer(b"<html><body>nginx</body></html>", b"text/html", b"502 Bad Gateway")
CUT_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: applic"
CUT_BODY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"
BEYOND = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
KINDS = [
    Kind("refused", [], error="upstream_unreachable", endpoint=NOWHERE),
    Kind("black-hole", [], error="upstream_unreachable", endpoint="black hole"),
    Kind("unknown-host", [], error="upstream_unreachable", endpoint="http://no-such-host.invalid/v1"),
    Kind("reset", [], "reset", error="upstream_protocol"),
    Kind("cut-head", [CUT_HEAD], error="upstream_protocol"),
    Kind("cut-body", [CUT_BODY], status=200, error="upstream_protocol"),
    Kind("not-http", [b"SSH-2.0-OpenSSH_9.2\r\n"], error="upstream_protocol"),
    Kind("page", [PAGE], status=502),
    Kind("408", refusal(b"408 Request Timeout"), status=408),
    Kind("429", refusal(b"429 Too Many Requests"), status=429),
    Kind("429-later", refusal(b"429 Too Many Requests", b"retry-after: 600\r\n"), status=429),
    Kind("500", refusal(b"500 Internal Server Error"), status=500),
    Kind("503", refusal(b"503 Service Unavailable", b"retry-after: 600\r\n"), status=503),
    Kind("529", refusal(b"529 Overloaded"), status=529),
    Kind("bad-key", refusal(b"401 Unauthorized", code="invalid_api_key"), status=401, error="upstream_credentials"),
    Kind("forbidden", refusal(b"403 Forbidden"), status=403, error="upstream_credentials"),
    Kind("no-quota", refusal(b"429 Too Many Requests", code="insufficient_quota"), status=429, error="upstream_quota"),
    Kind("model_not_found", refusal(b"404 Not Found", code="model_not_found"), status=404),
    Kind("DeploymentNotFound", refusal(b"404 Not Found", code="DeploymentNotFound"), status=404),
    Kind("empty", [BEYOND], status=200, error="upstream_protocol"),
]


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def black_hole() -> Iterator[str]:
    """Return the address of a server that neither accepts connections nor refuses them: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for client in waiting:
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        for client in waiting:
            client.close()


@pytest.fixture(scope="module")
def lazy() -> Iterator[str]:
    """Return the address of a server that reads nothing: the system takes what fits into its buffers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory,
    simulator: Simulator,
    scripted: ScriptedUpstream,
    black_hole: str,
    lazy: str,
) -> Iterator[LLMProxy]:
    addresses = {"": f"{scripted.url}/v1", "black hole": black_hole}
    never_open = {"circuit_breaker_threshold": 1000, "timeouts": {"connect": 0.5, "first_byte": 3, "idle": 1}}
    made = LLMProxy(
        tmp_path_factory.mktemp("failover"),
        *[
            upstream(each.name, addresses.get(each.endpoint, each.endpoint), id=f"{each.name}-1", **never_open)
            for each in KINDS
        ],
        *[upstream(each.name, simulator.url, id=f"{each.name}-2", priority=1) for each in KINDS],
        upstream("lazy", lazy, id="lazy-1", **never_open),
        upstream("lazy", simulator.url, id="lazy-2", priority=1),
    )
    yield made
    assert "internal error" not in made.logs()
    made.stop()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_next_deployment_answers(proxy: LLMProxy, scripted: ScriptedUpstream, kind: Kind, *, stream: bool) -> None:
    request_id = f"{kind.name}-{stream}"
    body = {"model": kind.name, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    with nullcontext() if kind.endpoint else scripted.answering(*kind.pieces, then=kind.then):
        response = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    assert response.status_code == 200, response.text
    assert response.headers["x-llmproxy-deployment"] == f"{kind.name}-2"
    assert '"error"' not in response.text
    line = line_of(proxy, request_id)
    assert (line["status"], line["error"], line["document_id"]) == (200, None, f"{kind.name}-2")
    first, *others = attempts_of(line)
    rests = kind.name == "429-later" and stream  # as the plain call was told to
    if rests:
        assert not others
    else:
        assert (first["document"], first["status"]) == (f"{kind.name}-1", kind.status)
        assert first["error"] == kind.error or kind.error is None


@pytest.mark.parametrize("stream", [False, True])
def test_after_a_time_out_only_requests_that_were_not_sent_as_a_whole_move_on(proxy: LLMProxy, *, stream: bool) -> None:
    for size, status in ((6 << 20, 200), (10, 504)):
        request_id = f"lazy-{size}-{stream}"
        body = {"model": "lazy", "messages": [{"role": "user", "content": "x" * size}], "stream": stream}
        headers = {"api-key": proxy.key, "x-request-id": request_id}
        response = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
        assert response.status_code == status, response.text
        first = attempts_of(line_of(proxy, request_id))[0]
        assert (first["document"], first["error"]) == ("lazy-1", "upstream_timeout")
        assert (first["exposure_units"] > 0) is (status == 504)


def test_a_refused_request_stays(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    """Another deployment would refuse it as well."""
    body = {"model": "500", "messages": []}
    with scripted.answering(*refusal(b"400 Bad Request", param="messages"), then="close"):
        response = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "messages")


def test_nothing_is_tried_any_more_once_content_has_arrived(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    body = {"model": "500", "messages": [], "stream": True}
    with scripted.answering(BEYOND, chat_stream(usage=False)[0], then="reset", pause=0.1):
        response = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}, timeout=30)
    assert response.headers["x-llmproxy-deployment"] == "500-1"
    assert json.loads(response.text.rsplit("data: ", 1)[1])["error"]["code"] == "upstream_protocol"
