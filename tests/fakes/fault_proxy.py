"""A proxy in front of an HTTPS server that answers, delays, cuts or refuses what the test wants, and notes the rest."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.certificates import Authority

_END = b"\r\n\r\n"
_BODILESS = {204, 304}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came by."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Treatment of requests.

    Args:
        status: answered by the proxy itself; 0 = the request goes on.
        headers: of that answer.
        message: of that answer, in the shape of Cosmos DB's errors.
        delay: seconds before anything else happens.
        cut: close the connection in place of an answer.
        after: let the request reach the server first, so that only its answer is missing.
        only: the requests it happens to; the others go on.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "made up"
    delay: float = 0
    cut: bool = False
    after: bool = False
    only: Callable[[Seen], bool] = lambda _: True


class FaultProxy:
    """Listens on a free port of this machine until it is closed. All methods may be called from any thread.

    Args:
        folder: for its certificate.
        upstream: port of the HTTPS server on this machine.

    Attributes:
        port: where it listens.
        upstream: port of the server behind it.
        fault: treatment of requests from now on; None passes them on.
        seen: requests so far.
        write_regions: names of regions that the account's description lists in place of its own.
    """

    def __init__(self, folder: Path, upstream: int) -> None:
        self.port = 0
        self.fault: Fault | None = None
        self.seen: list[Seen] = []
        self.write_regions: tuple[str, ...] = ()
        self.upstream = upstream
        self._tls = Authority(folder).server("localhost")
        self._plain = ssl.create_default_context()
        self._plain.check_hostname = False
        self._plain.verify_mode = ssl.CERT_NONE
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.up()

    def up(self) -> None:
        """Listen, on the same port as before."""
        self._call(self._listen())

    def down(self) -> None:
        """Refuse connections, and cut those that are open."""
        self._call(self._stop())

    def close(self) -> None:
        """Stop for good."""
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.upstream, ssl=self._plain)
            try:
                while await self._exchange(reader, writer, *upstream):
                    pass
            finally:
                upstream[1].transport.abort()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # cancelled by _stop alone; asyncio's own callback would print a traceback for each
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> bool:
        head, body = await _message(reader)
        seen = _seen(head, body)
        self.seen.append(seen)
        fault = self.fault if self.fault is not None and self.fault.only(seen) else None
        if fault is not None:
            await asyncio.sleep(fault.delay)
        answer = b""
        if fault is None or fault.after or not (fault.status or fault.cut):
            to_server.write(head + body)
            answer = b"".join(await _message(from_server))
        if fault is not None and fault.cut:
            return False
        writer.write(self._own(answer) if fault is None or not fault.status else _made_up(fault))
        await writer.drain()
        return True

    def _own(self, answer: bytes) -> bytes:
        """Replace the address in the account's description by that of the proxy."""
        head, end, body = answer.partition(_END)
        there, here = (f":{port}/".encode() for port in (self.upstream, self.port))
        if there not in body:
            return answer
        body = body.replace(there, here)
        if self.write_regions:
            account = json.loads(body)
            address = account["writableLocations"][0]["databaseAccountEndpoint"]
            account["writableLocations"] = [
                {"name": name, "databaseAccountEndpoint": address} for name in self.write_regions
            ]
            body = json.dumps(account).encode()
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
        return b"\r\n".join([*lines, b"content-length: %d" % len(body)]) + end + body


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a request or an answer; chunks are kept as they are."""
    head = await reader.readuntil(_END)
    first, *lines = head.decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    if first.startswith("http/") and int(first.split()[1]) in _BODILESS:
        return head, b""
    if headers.get("transfer-encoding") != "chunked":
        return head, await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while not body.endswith(b"\r\n0" + _END) and body != b"0" + _END:
        body += await reader.readuntil(b"\r\n")
    return head, body


def _seen(head: bytes, body: bytes) -> Seen:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    return Seen(
        method, path, {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}, body
    )


def _made_up(fault: Fault) -> bytes:
    body = f'{{"code": "{fault.status}", "message": "{fault.message}"}}'.encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))} | dict(fault.headers)
    lines = [f"HTTP/1.1 {fault.status} Made Up", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + _END + body
