"""Uploads over HTTP: bounds, callers who leave, and what is left on disk."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from application.ports.providers import Answer
from tests.fakes.app_server import app_server
from tests.fakes.http_calls import until
from tests.fakes.in_process_proxy import LIMITS
from tests.fakes.raw_http import request

_ANSWER = Answer(b'{"text":"hi"}', b"application/json", None)
_PATH = "/v1/audio/transcriptions"
_OPENING = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nsim\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'
)


def _open_files(folder: Path) -> int:
    found = 0
    for link in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is needed
        try:
            found += os.readlink(f"/proc/self/fd/{link}").startswith(str(folder))  # noqa: PTH115 - the same
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


async def test_large_and_small_files_arrive_whole(tmp_path: Path) -> None:
    async with app_server(tmp_path, sim=_ANSWER) as server, server.client() as client:
        for size in 1, 65_536, 65_537, 700_001, LIMITS.file:
            sent = os.urandom(size)
            answer = await client.post(_PATH, data={"model": "sim"}, files={"file": ("a.mp3", sent)})
            assert (answer.status_code, answer.content) == (200, _ANSWER.body)
            assert server.provider.parts[1] == ("file", "a.mp3", sent)
        await until(lambda: _open_files(tmp_path) == 0)


async def test_a_file_above_the_limit_is_refused_while_it_is_sent(tmp_path: Path) -> None:
    async with app_server(tmp_path, sim=_ANSWER) as server, server.client() as client:
        # The client sends to the end before it reads: it sees the answer all the same.
        answer = await client.post(
            _PATH, data={"model": "sim"}, files={"file": ("a.mp3", bytes(LIMITS.file + 2_000_000))}
        )
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("request_too_large", "file")
        assert server.provider.called == []
        await until(lambda: _open_files(tmp_path) == 0)


async def test_a_body_above_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with app_server(tmp_path, sim=_ANSWER) as server:
        headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(LIMITS.size + 1)}
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request("POST", _PATH, headers))
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_no_more_than_a_body_is_waited_for_after_the_refusal(tmp_path: Path) -> None:
    async with app_server(tmp_path, sim=_ANSWER) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        headers = {"content-type": "multipart/form-data; boundary=b", "transfer-encoding": "chunked"}
        writer.write(request("POST", _PATH, headers) + b"%x\r\n%s\r\n" % (len(_OPENING), _OPENING))
        block = b"10000\r\n" + bytes(65_536) + b"\r\n"
        answer = asyncio.create_task(reader.readline())
        sent = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while True:
                    writer.write(block)
                    await writer.drain()
                    sent += 65_536
                    await asyncio.sleep(0)
        assert sent >= LIMITS.size
        assert (await answer).startswith(b"HTTP/1.1 413 ")


async def test_a_caller_who_leaves_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    async with app_server(tmp_path, sim=_ANSWER) as server:
        headers = {"content-type": "multipart/form-data; boundary=b", "content-length": "1000000"}
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request("POST", _PATH, headers) + _OPENING + bytes(600_000))
        await until(lambda: _open_files(tmp_path) == 1)
        writer.close()
        await until(lambda: _open_files(tmp_path) == 0)
        await until(lambda: len(server.access_log) == 1)
        assert server.access_log[0]["error"] == "caller_gone"


async def test_a_caller_who_leaves_while_the_upstream_works_leaves_nothing(tmp_path: Path) -> None:
    called = asyncio.Event()

    async def never() -> None:
        called.set()
        await asyncio.Event().wait()

    async with app_server(tmp_path, sim=never) as server:
        body = _OPENING + bytes(600_000) + b"\r\n--b--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(len(body))}
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request("POST", _PATH, headers) + body)
        async with asyncio.timeout(10):
            await called.wait()
        assert _open_files(tmp_path) == 1
        writer.close()
        await until(lambda: _open_files(tmp_path) == 0, seconds=5)


async def test_a_disk_that_takes_nothing_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with app_server(tmp_path / "file" / "uploads", sim=_ANSWER) as server, server.client() as client:
        answer = await client.post(_PATH, data={"model": "sim"}, files={"file": ("a.mp3", bytes(600_000))})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
        assert answer.headers["retry-after"]
        assert str(tmp_path) not in answer.text
        small = await client.post(_PATH, data={"model": "sim"}, files={"file": ("a.mp3", b"x")})
        assert small.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "part_of_message"),
    [
        ("multipart/form-data", _OPENING, "boundary"),
        ("Multipart/Form-Data; boundary=b", _OPENING + b"x", "incomplete"),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense\r\n", "not a well-formed"),
        ("multipart/form-data; boundary=b", _OPENING.partition(b"--b\r\nContent")[0] + _OPENING * 2, "more than one"),
    ],
)
async def test_bad_forms_are_400(content_type: str, body: bytes, part_of_message: str) -> None:
    body = body.replace(b"\r\n\r\n--b", b"\r\n\r\nx\r\n--b")
    if part_of_message == "more than one":
        body += b"x\r\n--b--\r\n"
    async with app_server(sim=_ANSWER) as server, server.client() as client:
        answer = await client.post(_PATH, content=body, headers={"content-type": content_type})
        assert answer.status_code == 400
        error = json.loads(answer.content)["error"]
        assert part_of_message in error["message"]
        assert set(error) == {"message", "type", "param", "code"}
