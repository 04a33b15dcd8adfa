"""Servers without keys, and failed keys."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.llmproxy_server import simulated
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import exchange, request
from tests.security.conftest import Victim

BODY = json.dumps({"model": "sim", "messages": [{"role": "user", "content": "hi"}]})


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("open")
    made = Victim(folder, simulated("sim"), variables={"AUTH": "off", "LLMPROXY_TRUSTED_PROXIES": "127.0.0.9"})
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"host": "localhost:8000"}, None),
        ({"host": "[::1]:8000"}, None),
        ({"host": "127.0.0.1"}, None),
        ({"origin": "http://localhost:3000"}, None),
        ({"host": "evil.example"}, "host_not_allowed"),
        ({"host": "evil.example:8000"}, "host_not_allowed"),
        ({"host": "localhost.evil.example"}, "host_not_allowed"),
        ({"host": "10.0.0.1"}, "host_not_allowed"),
        ({"host": ""}, "host_not_allowed"),
        ({"origin": "http://evil.example"}, "origin_not_allowed"),
        ({"origin": "https://localhost.evil.example"}, "origin_not_allowed"),
        ({"origin": "null"}, "origin_not_allowed"),
        ({"content-type": "text/plain"}, "content_type_not_allowed"),
        ({"content-type": "Text/Plain; charset=utf-8"}, "content_type_not_allowed"),
    ],
)
def test_a_server_without_keys_serves_only_this_machine(
    open_server: Victim, headers: dict[str, str], code: str | None
) -> None:
    calls = (("POST", "/v1/chat/completions", BODY), ("GET", "/v1/models", ""), ("GET", "/health", ""))
    for method, path, body in calls:
        given = {"host": "127.0.0.1", "content-type": "application/json"} | headers | {"content-length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        answer = exchange(open_server.port, f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        assert answer.status_code == (200 if code is None else 400), answer.text
        assert code is None or json.loads(answer.text)["error"]["code"] == code


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - refused
def test_a_server_without_keys_listens_on_loopback_only(open_server: Victim, host: str) -> None:
    done = open_server.command("serve", "--host", host, "--port", "0", check=False)
    assert "llmproxy listening" not in done


def _failed(victim: Victim, request_id: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in victim.logs().splitlines() if request_id in line]
    return [line for line in lines if line.get("error") == "invalid_api_key"]


def test_failed_keys_are_logged_with_the_address_of_the_caller(victim: Victim) -> None:
    with victim.connect("127.0.0.7") as attacker:
        attacker.sendall(request("GET", "/v1/models", {"x-request-id": "guess-1", "x-forwarded-for": "203.0.113.1"}))
        attacker.recv(1)
    wait_until(lambda: len(_failed(victim, "guess-1")) == 2, what="both log lines")
    assert {line["client"] for line in _failed(victim, "guess-1")} == {"127.0.0.7"}
    assert {line["level"] for line in _failed(victim, "guess-1")} == {"info", "warning"}


def test_successful_calls_are_logged_without_addresses(victim: Victim) -> None:
    headers = {"api-key": victim.key, "x-request-id": "good-1"}
    assert httpx.get(f"{victim.url}/v1/models", headers=headers).status_code == 200
    wait_until(lambda: "good-1" in victim.logs(), what="the access line")
    assert '"client"' not in next(line for line in victim.logs().splitlines() if "good-1" in line)
