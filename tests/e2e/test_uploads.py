"""Large uploads through the real server: whole, many at once, given up half way; and memory that does not grow."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.every_operation import RECORDING, check_error, client_of, post_form
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.mixed_calls import Seen, call, models, wanted
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")

UPLOADS = 100
SIZE = 20 * 1024 * 1024
CEILING = 600 * 1024 * 1024
"""Bytes of memory in which the server takes all of them at once."""
BLOCK = bytes(1 << 18)
ROUND = 1000
"""Calls between two looks at the memory."""
MOST_PER_CALL = 3000
"""Bytes: less than any call and its answer have."""
HEAD = (
    b'--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\nheld\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
)
TAIL = b"\r\n--XX--\r\n"


class Patient(LLMProxy):
    """A server that gives uploads more time than other tests do, and a key as many as are needed here."""

    max_body_bytes = 64 << 20

    @classmethod
    def environment_of(cls, folder: Path, variables: dict[str, str]) -> dict[str, str]:
        own = {"LLMPROXY_BODY_TIMEOUT": "120", "LLMPROXY_MAX_UPLOADS_PER_KEY": str(UPLOADS)}
        return super().environment_of(folder, variables) | own


class Holding:
    """An upstream that answers no upload before a number of them are there; what it got it throws away."""

    def __init__(self, number: int) -> None:
        self.received: list[int] = []
        self._number = number
        self._all = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        left = length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while left and (piece := await reader.read(1 << 20)):
            left -= len(piece)
        self.received.append(length - left)
        if len(self.received) == self._number:
            self._all.set()
        await self._all.wait()
        body = b'{"text": "hello", "usage": {"type": "duration", "seconds": 2}}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def holding(number: int) -> AsyncIterator[tuple[Holding, str]]:
    made = Holding(number)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=1 << 20)
    try:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


@pytest.fixture(scope="module")
def own() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, own: Simulator) -> Iterator[Patient]:
    made = Patient(tmp_path_factory.mktemp("large"), *models(own.url), simulated("sim"))
    yield made
    made.stop()


def memory(proxy: LLMProxy, name: str) -> int:
    """Bytes that the server's process has now (``VmRSS``) or had at most (``VmHWM``)."""
    status = Path(f"/proc/{proxy.running.pid}/status").read_text("ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def open_files(proxy: LLMProxy) -> int:
    return len(list(Path(f"/proc/{proxy.running.pid}/fd").iterdir()))


async def upload(proxy: LLMProxy, size: int = SIZE, sent: int | None = None) -> bytes:
    """Send a form with a file of this size and return the response; None if the caller disconnects before its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    length = len(HEAD) + size + len(TAIL)
    writer.write(
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: test\r\napi-key: %b\r\nconnection: close\r\n"
        b"content-type: multipart/form-data; boundary=XX\r\ncontent-length: %d\r\n\r\n" % (proxy.key.encode(), length)
    )
    writer.write(HEAD)
    sent = size if sent is None else sent
    for start in range(0, sent, len(BLOCK)):
        writer.write(BLOCK[: sent - start])
        await writer.drain()
    if sent < size:
        writer.transport.abort()
        return b""
    writer.write(TAIL)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.timeout(300)
async def test_a_hundred_uploads_at_once_stay_below_the_ceiling(tmp_path: Path) -> None:
    async with holding(UPLOADS) as (held, url):
        proxy = Patient(tmp_path, upstream("held", url, operations=["audio_stt"]), simulated("sim"))
        try:
            uploads = [asyncio.create_task(upload(proxy)) for _ in range(UPLOADS)]
            others = 0
            async with aiohttp.ClientSession(proxy.url, headers={"api-key": proxy.key}) as client:
                body = {"model": "sim", "messages": [{"role": "user", "content": "Anybody there?"}]}
                while not all(task.done() for task in uploads):
                    assert [task.result() for task in uploads if task.done() and len(held.received) < UPLOADS] == []
                    async with client.post("/v1/chat/completions", json=body) as answer:
                        assert answer.status == 200
                        others += 1
                    await asyncio.sleep(0.05)
            answers = await asyncio.gather(*uploads)
            assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * UPLOADS
            assert len(held.received) == UPLOADS
            assert min(held.received) > SIZE
            assert others > 5
            assert memory(proxy, "VmHWM") < CEILING
            assert (await asyncio.to_thread(proxy.usage))[0]["calls"] == UPLOADS + others
        finally:
            proxy.stop()


def test_a_file_above_25_mb_is_refused_and_one_below_is_not(proxy: LLMProxy, own: Simulator) -> None:
    with client_of(proxy) as client:
        for size, status in ((26 * 1024 * 1024, 413), (25 * 1024 * 1024, 200)):
            content = RECORDING + bytes(size - len(RECORDING))
            answer = post_form(client, "audio/transcriptions", "whisper", {"file": ("a.wav", content, "audio/wav")})
            if status == 413:
                assert "26214400" in check_error(answer, 413, "request_too_large", "file")
                assert own.calls()["calls"] == 0
            assert answer.status_code == status
    (file,) = own.last()["files"]
    assert file["size"] == 25 * 1024 * 1024


async def test_uploads_that_are_given_up_leave_nothing_open(proxy: LLMProxy, own: Simulator) -> None:
    assert await upload(proxy, len(RECORDING))  # whatever is opened once and for all is open now
    await idle(proxy)
    before, served = open_files(proxy), own.calls()
    for _ in range(10):
        await asyncio.gather(*(upload(proxy, SIZE, 1_000_000 + 10_000 * number) for number in range(20)))
    await idle(proxy)
    await asyncio.to_thread(wait_until, lambda: open_files(proxy) <= before, 20, "the end of all files and connections")
    assert list((Path(proxy.env["DATA_DIR"]) / "uploads").iterdir()) == []
    assert own.calls() == served
    await asyncio.to_thread(wait_until, lambda: proxy.logs().count('"error":"caller_gone"') >= 200, 20, "their lines")
    assert "Traceback" not in proxy.logs()


async def idle(proxy: LLMProxy) -> None:
    """Wait until the server has nothing more to do with its upstreams."""
    busy: Callable[[], bool] = lambda: proxy.health()["upstreams"]["connections_busy"] == 0  # noqa: E731 - wait_until's
    await asyncio.to_thread(wait_until, busy, 20, "the end of all upstream calls")


@pytest.mark.timeout(300)
async def test_memory_does_not_grow_with_the_number_of_calls(proxy: LLMProxy) -> None:
    """Calls of every operation, well and badly ended. The first ones fill what is kept once and for all."""
    sizes = []
    async with aiohttp.ClientSession(proxy.url, headers={"authorization": f"Bearer {proxy.key}"}) as client:
        for beginning in range(0, 4 * ROUND, ROUND):
            seen, waiting = Seen(), iter(range(beginning + 1, beginning + ROUND + 1))
            await asyncio.gather(*(one_after_the_other(client, waiting, seen) for _ in range(40)))
            assert seen.wrong == []
            assert seen.left > 0 < seen.failed
            sizes.append(memory(proxy, "VmRSS"))
    assert sizes[-1] - sizes[1] < 2 * ROUND * MOST_PER_CALL


async def one_after_the_other(client: aiohttp.ClientSession, numbers: Iterator[int], seen: Seen) -> None:
    for number in numbers:
        await call(client, wanted(number), seen)
