"""Failover around real parts: the error pages of a real nginx, and connections that a TCP proxy delays and cuts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.every_operation import attempts_of, line_of
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.nginx import Nginx, free_port
from tests.fakes.tcp_proxy import TcpProxy

PAGES_OF_NGINX = """\
events {{ worker_connections 1024; }}
http {{
    server {{
        listen 127.0.0.1:{port};
        location /dead/ {{ proxy_pass http://127.0.0.1:1/; }}
        location /silent/ {{ proxy_pass http://127.0.0.1:{silent}/; proxy_read_timeout 1s; }}
        location /missing/ {{ return 404; }}
    }}
}}
"""
PAGES = {"dead": 502, "silent": 504, "missing": 404}
"""Paths at nginx, and the statuses of the HTML pages that it answers with."""


class Cut(NamedTuple):
    """A fault of the connection.

    Attributes:
        name: of the fault.
        delay: seconds before the first byte.
        cut: bytes after which the connection is reset.
        error: of the attempt in the ledger.
    """

    name: str
    delay: float
    cut: int | None
    error: str


CUTS = [
    Cut("before the head", 0, 0, "upstream_protocol"),
    Cut("in the head", 0, 40, "upstream_protocol"),
    Cut("delayed", 4, None, "upstream_timeout"),
]


@pytest.fixture(scope="module")
def connection(simulator: Simulator) -> Iterator[TcpProxy]:
    port = urlsplit(simulator.url).port
    assert port is not None
    with TcpProxy(port) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, connection: TcpProxy) -> Iterator[LLMProxy]:
    port = free_port()
    never_open = {"circuit_breaker_threshold": 1000, "timeouts": {"first_byte": 2}, "retry_timeouts": True}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pages = PAGES_OF_NGINX.format(port=port, silent=silent.getsockname()[1])
        with Nginx(tmp_path_factory.mktemp("nginx"), pages, port):
            made = LLMProxy(
                tmp_path_factory.mktemp("parts"),
                *[upstream(page, f"http://127.0.0.1:{port}/{page}/v1", id=f"{page}-1", **never_open) for page in PAGES],
                upstream("wire", f"http://127.0.0.1:{connection.port}/v1", id="wire-1", **never_open),
                upstream("only", f"http://127.0.0.1:{connection.port}/v1", retries=0, **never_open),
                *[upstream(code, simulator.url, id=f"{code}-2", priority=1) for code in (*PAGES, "wire")],
            )
            yield made
            assert "internal error" not in made.logs()
            made.stop()


def ask(proxy: LLMProxy, model: str, request_id: str, *, stream: bool) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def moved_on(proxy: LLMProxy, model: str, request_id: str, response: httpx.Response) -> tuple[int | None, str | None]:
    """Return status and error of the attempt at the first deployment, after which the second one answered."""
    assert response.status_code == 200, response.text
    assert '"error"' not in response.text
    assert response.headers["x-llmproxy-deployment"] == f"{model}-2"
    first, second = attempts_of(line_of(proxy, request_id))
    assert (first["document"], second["document"], second["status"]) == (f"{model}-1", f"{model}-2", 200)
    return first["status"], first["error"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("page", PAGES)
def test_the_error_pages_of_nginx_move_on(proxy: LLMProxy, page: str, *, stream: bool) -> None:
    request_id = f"{page}-{stream}"
    status, _ = moved_on(proxy, page, request_id, ask(proxy, page, request_id, stream=stream))
    assert status == PAGES[page]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
def test_a_connection_that_is_cut_or_slow_before_content_moves_on(
    proxy: LLMProxy, connection: TcpProxy, cut: Cut, *, stream: bool
) -> None:
    request_id = f"{cut.name.replace(' ', '-')}-{stream}"
    with connection.fault(delay=cut.delay, cut=cut.cut):
        response = ask(proxy, "wire", request_id, stream=stream)
    assert moved_on(proxy, "wire", request_id, response)[1] == cut.error


def test_a_stream_that_is_cut_after_content_ends_with_an_error_event(
    proxy: LLMProxy, simulator: Simulator, connection: TcpProxy
) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    whole = len(httpx.post(f"{simulator.url}/chat/completions", json=body, timeout=30).content)
    with connection.fault(cut=whole // 2):
        response = ask(proxy, "only", "cut", stream=True)
    assert json.loads(response.text.rsplit("data: ", 1)[1])["error"]["code"] == "upstream_protocol"
    line = line_of(proxy, "cut")
    assert (line["status"], line["attempts"]) == (502, 1)
    assert line["output_tokens"] > 0
