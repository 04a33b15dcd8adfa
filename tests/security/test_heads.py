"""Requests whose head, framing or trailers try to mean two things at once."""

from __future__ import annotations

import json

import pytest

from tests.fakes.raw_http import exchange, request
from tests.security.conftest import Victim

CHAT = b"POST /v1/chat/completions HTTP/1.1\r\n"
BODY = json.dumps({"model": "sim", "messages": [{"role": "user", "content": "hi"}]}).encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)

HEADS = {
    "no host": (b"", 400),
    "two hosts": (b"host: a\r\nhost: a\r\n", 400),
    "a host that is not one": (b"host: a b\r\n", 400),
    "a host with a path": (b"host: a/b\r\n", 400),
    "chunked": (b"host: a\r\ntransfer-encoding: chunked\r\n", 200),
    "chunked in capitals": (b"host: a\r\ntransfer-encoding: CHUNKED\r\n", 200),
    "chunked twice": (b"host: a\r\ntransfer-encoding: chunked, chunked\r\n", 400),
    "chunked twice in two headers": (b"host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", 400),
    "gzip before chunked": (b"host: a\r\ntransfer-encoding: gzip, chunked\r\n", 501),
    "identity before chunked": (b"host: a\r\ntransfer-encoding: identity, chunked\r\n", 501),
    "chunked before gzip": (b"host: a\r\ntransfer-encoding: chunked, gzip\r\n", 400),
    "only gzip": (b"host: a\r\ntransfer-encoding: gzip\r\n", 400),
    "an empty coding": (b"host: a\r\ntransfer-encoding: \r\n", 400),
    "chunked with a length": (b"host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n", 400),
    "two lengths": (b"host: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n", 400),
    "an IPv6 host": (b"host: [::1]:8000\r\ntransfer-encoding: chunked\r\n", 200),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_means_one_thing_or_is_refused(victim: Victim, name: str) -> None:
    headers, status = HEADS[name]
    key = b"authorization: Bearer %s\r\n" % victim.key.encode()
    answer = exchange(victim.port, CHAT + headers + key + b"\r\n" + CHUNKED + b"\r\n")
    assert answer.status_code == status, answer.text
    if status != 200:
        assert set(json.loads(answer.text)["error"]) == {"message", "type", "param", "code"}
        assert answer.headers["connection"] == "close"


def test_http_1_0_needs_no_host_and_knows_no_chunks(victim: Victim) -> None:
    assert exchange(victim.port, b"GET /health HTTP/1.0\r\n\r\n").status_code == 200
    assert exchange(victim.port, b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").status_code == 400


@pytest.mark.parametrize(
    "trailer", ["authorization: Bearer {key}", "x-api-key: {key}", "api-key: {key}"], ids=lambda text: text[:9]
)
def test_a_key_in_trailers_is_ignored(victim: Victim, trailer: str) -> None:
    head = request("POST", "/v1/chat/completions", {"transfer-encoding": "chunked"})
    answer = exchange(victim.port, head, CHUNKED + trailer.format(key=victim.key).encode() + b"\r\n\r\n")
    assert answer.status_code == 401


def test_a_request_id_in_trailers_is_ignored(victim: Victim) -> None:
    key = {"authorization": f"Bearer {victim.key}", "transfer-encoding": "chunked"}
    answer = exchange(
        victim.port, request("POST", "/v1/chat/completions", key), CHUNKED + b"x-request-id: evil\r\n\r\n"
    )
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] != "evil"


def test_what_follows_a_refused_head_is_not_parsed(victim: Victim) -> None:
    smuggled = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n"
    answer = exchange(victim.port, b"GET /health HTTP/1.1\r\n\r\n" + smuggled)
    assert answer.status_code == 400
