"""Compressed bodies, and answers that unpack to far more than they are; names of files in odd encodings."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.llmproxy_server import simulated
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import exchange, request
from tests.security.conftest import Victim

CHAT = "/v1/chat/completions"
GOOD = json.dumps({"model": "sim", "messages": [{"role": "user", "content": "hi"}]}).encode()


@pytest.fixture
def client(victim: Victim) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=victim.url, headers={"api-key": victim.key}, timeout=60) as made:
        yield made


def post(client: httpx.Client, body: bytes, encoding: str) -> httpx.Response:
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    return client.post(CHAT, content=body, headers=headers)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_compressed_bodies_are_served(client: httpx.Client, encoding: str, encode: type[bytes]) -> None:
    assert post(client, encode(GOOD), encoding).status_code == 200


@pytest.mark.parametrize("encoding", ["zstd", "br", "compress", "gzip, gzip", "gzip, br", "nonsense"])
def test_other_encodings_are_refused(client: httpx.Client, encoding: str) -> None:
    answer = post(client, GOOD, encoding)
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_encoding"


@pytest.mark.parametrize(
    "body",
    [GOOD, gzip.compress(GOOD)[:-3], gzip.compress(GOOD)[:12], gzip.compress(GOOD) + b"x", b"\x1f\x8b" + b"x" * 50],
    ids=["plain", "no checksum", "cut", "with a tail", "damaged"],
)
def test_bodies_that_are_not_what_they_say_are_refused(client: httpx.Client, body: bytes) -> None:
    answer = post(client, body, "gzip")
    assert answer.status_code == 400
    assert "Content-Encoding" in answer.json()["error"]["message"]


def test_a_form_may_be_compressed(client: httpx.Client) -> None:
    form = httpx.Request("POST", "http://x", data={"model": "sim"}, files={"file": b"x" * 100_000})
    headers = {"content-type": form.headers["content-type"], "content-encoding": "gzip"}
    answer = client.post("/v1/audio/transcriptions", content=gzip.compress(form.read()), headers=headers)
    assert answer.json()["error"]["code"] == "operation_not_supported"


def test_a_bomb_is_stopped_at_the_limit_of_bodies(victim: Victim, client: httpx.Client) -> None:
    before = victim.memory()
    bomb = gzip.compress(b'{"model":"sim","messages":["' + b"x" * (400 << 20) + b'"]}', compresslevel=1)
    assert len(bomb) < 4 << 20
    answer = post(client, bomb, "gzip")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert victim.memory() - before < 200 << 20
    wait_until(lambda: victim.health()["memory"]["used"] == 0, what="all memory given back")


@pytest.mark.parametrize(
    ("disposition", "status"),
    [
        (b'form-data; name="file"; filename="a.mp3"', 200),
        (b'form-data; name="file"; filename="a\xff"', 200),
        (b"form-data; name=\"file\"; filename*=utf-8''a%C3%A9", 200),
        (b"form-data; name=\"file\"; filename*=utf-8''a%FF", 200),
        (b"form-data; name=\"file\"; filename*=nonsense''a", 200),
        (b'form-data; name="file"; filename*=a', 200),
        (b"form-data; name=\"file\"; filename*=utf-8''a\xff", 400),
        (b"form-data; name=\"file\"; filename*=utf-8''\xc3\xa9", 400),
        (b"form-data; name=\"file\"; filename*=\xff''a", 400),
        (b"form-data; name=\"file\xff\"; filename*=utf-8''a", 400),
    ],
)
def test_a_form_with_any_file_name_is_served_or_refused(transcriber: Victim, disposition: bytes, status: int) -> None:
    body = (
        b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nstt\r\n'
        b"--b\r\ncontent-disposition: " + disposition + b"\r\n\r\n" + WAV + b"\r\n--b--\r\n"
    )
    headers = {
        "api-key": transcriber.key,
        "content-type": "multipart/form-data; boundary=b",
        "content-length": str(len(body)),
    }
    answer = exchange(transcriber.port, request("POST", "/v1/audio/transcriptions", headers) + body)
    assert answer.status_code == status, answer.text


WAV = b"RIFF" + (36 + 1600).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data"
WAV += (1600).to_bytes(4, "little") + bytes(1600)


@pytest.fixture(scope="module")
def transcriber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    made = Victim(tmp_path_factory.mktemp("stt"), simulated("stt", operations=["audio_stt"]))
    yield made
    made.stop()
