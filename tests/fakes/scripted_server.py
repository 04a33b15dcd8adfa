"""A server on a free loopback port whose behaviour on each connection is an async function."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from infra.clients.http.origin import Origin


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived: request line, headers with lower-case names, body."""

    line: bytes
    headers: dict[bytes, bytes]
    body: bytes


@dataclass(slots=True)
class Peer:
    """One connection, seen from the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    requests: list[Received]
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def head(self) -> tuple[bytes, dict[bytes, bytes]]:
        """Read up to the body of the next request."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        line, *rest = raw[:-4].split(b"\r\n")
        pairs = (header.split(b":", 1) for header in rest)
        return line, {name.lower(): value.strip() for name, value in pairs}

    async def request(self) -> Received:
        """Read the next request whole."""
        line, headers = await self.head()
        body = await self.reader.readexactly(int(headers.get(b"content-length", b"0")))
        received = Received(line, headers, body)
        self.requests.append(received)
        return received

    async def send(self, data: bytes) -> None:
        """Write and wait until the client has kept up."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, headers: bytes = b"", status: bytes = b"200 OK") -> None:
        """Send a whole answer."""
        length = b"Content-Length: %d\r\n" % len(body)
        await self.send(b"HTTP/1.1 " + status + b"\r\n" + length + headers + b"\r\n" + body)

    async def send_apart(self, *pieces: bytes) -> None:
        """Send pieces so that a client on the same loop receives each of them by itself."""
        for piece in pieces:
            await self.send(piece)
            for _ in range(5):
                await asyncio.sleep(0)

    async def hung_up(self) -> None:
        """Wait for the client to close."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.gone.set()


Behaviour = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class ScriptedServer:
    """The running server and what it has seen."""

    origin: Origin
    peers: list[Peer] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)

    async def wait_gone(self, number: int = 0) -> None:
        """Wait at most a second until the server has seen the client of this connection hang up."""
        async with asyncio.timeout(1):
            while len(self.peers) <= number:  # noqa: ASYNC110 - tests that need this are rare
                await asyncio.sleep(0.005)
            await self.peers[number].gone.wait()


@asynccontextmanager
async def scripted_server(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    """Serve until the block ends. A fault in the behaviour fails the test; a client that hung up does not."""
    state = ScriptedServer(Origin("http", "127.0.0.1", 0))
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(reader, writer, len(state.peers), state.requests)
        state.peers.append(peer)
        try:
            await behaviour(peer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            peer.gone.set()
        except asyncio.CancelledError:
            pass
        except BaseException as fault:  # noqa: BLE001 - reported when the server ends
            state.faults.append(fault)
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
    port = server.sockets[0].getsockname()[1]
    state.origin = Origin("https" if tls else "http", "localhost" if tls else "127.0.0.1", port)
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if state.faults:
        raise state.faults[0]
