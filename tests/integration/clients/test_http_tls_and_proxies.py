"""Certificates are checked; proxies get what they need and no more."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.clients.http.errors import ConnectError, ConnectTimeoutError
from infra.clients.http.origin import Origin
from infra.clients.http.pool import HttpPool
from infra.clients.http.proxies import Proxies
from tests.fakes.certificates import Authority
from tests.fakes.http_calls import fetch
from tests.fakes.scripted_server import Peer, ScriptedServer, scripted_server

BASIC = b"Basic " + b64encode(b"user:p@ss")


async def echo(peer: Peer) -> None:
    while True:
        received = await peer.request()
        await peer.answer(received.body)


async def relay(peer: Peer) -> None:
    """Serve as a proxy that supports CONNECT, and answer anything else itself."""
    line, headers = await peer.head()
    if headers.get(b"proxy-authorization") != BASIC:
        await peer.answer(b"", status=b"407 Proxy Authentication Required")
        return
    method, target, _ = line.split(b" ")
    if method != b"CONNECT":
        body = await peer.reader.readexactly(int(headers[b"content-length"]))
        await peer.answer(target + b" " + headers[b"host"] + b" " + body)
        return
    host, _, port = target.rpartition(b":")
    reader, writer = await asyncio.open_connection(host.decode(), int(port))
    await peer.send(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    await asyncio.gather(pump(reader, peer.writer), pump(peer.reader, writer))
    peer.gone.set()


def proxies_for(proxy: ScriptedServer, credentials: str = "user:p%40ss@", scheme: str = "http") -> Proxies:
    url = f"{scheme}://{credentials}{proxy.origin.authority}"
    return Proxies.from_environment({"HTTP_PROXY": url, "HTTPS_PROXY": url})


@asynccontextmanager
async def closing(pool: HttpPool) -> AsyncIterator[HttpPool]:
    yield pool
    await pool.close()


async def test_tls(authority: Authority) -> None:
    async with (
        scripted_server(echo, tls=authority.server("localhost")) as server,
        closing(HttpPool(ssl_context=authority.client())) as pool,
    ):
        assert await fetch(pool, server.origin, b"one") == b"one"
        assert await fetch(pool, server.origin, b"two" * 300_000) == b"two" * 300_000
        assert len(server.peers) == 1
        await pool.close()


@pytest.mark.parametrize(
    ("names", "expired", "trusted"),
    [(("localhost",), False, False), (("elsewhere.example",), False, True), (("localhost",), True, True)],
)
async def test_certificates_that_are_not_accepted(
    authority: Authority, names: tuple[str, ...], *, expired: bool, trusted: bool
) -> None:
    async with (
        scripted_server(echo, tls=authority.server(*names, expired=expired)) as server,
        closing(HttpPool(ssl_context=authority.client() if trusted else None)) as pool,
    ):
        with pytest.raises(ConnectError, match="certificate") as caught:
            await fetch(pool, server.origin)
        assert "localhost" not in caught.value.args[0]
        assert "elsewhere" not in caught.value.args[0]
        assert server.requests == []


async def test_tls_with_a_server_that_does_not_speak_it(authority: Authority) -> None:
    async def behave(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with (
        scripted_server(behave) as server,
        closing(HttpPool(ssl_context=authority.client())) as pool,
    ):
        with pytest.raises(ConnectError):
            await fetch(pool, Origin("https", "localhost", server.origin.port))


@pytest.mark.parametrize("proxy_tls", [False, True])
async def test_tls_through_a_proxy(authority: Authority, *, proxy_tls: bool) -> None:
    tls: ssl.SSLContext | None = authority.server("localhost") if proxy_tls else None
    async with (
        scripted_server(echo, tls=authority.server("localhost")) as server,
        scripted_server(relay, tls=tls) as proxy,
        closing(
            HttpPool(ssl_context=authority.client(), proxies=proxies_for(proxy, scheme=proxy.origin.scheme))
        ) as pool,
    ):
        assert await fetch(pool, server.origin, b"one") == b"one"
        assert await fetch(pool, server.origin, b"two" * 300_000) == b"two" * 300_000
        assert len(server.peers) == len(proxy.peers) == 1
        assert b"proxy-authorization" not in server.requests[0].headers
        await pool.close()
        await proxy.wait_gone()


async def test_the_certificate_behind_a_proxy_is_checked(authority: Authority) -> None:
    async with (
        scripted_server(echo, tls=authority.server("elsewhere.example")) as server,
        scripted_server(relay) as proxy,
        closing(HttpPool(ssl_context=authority.client(), proxies=proxies_for(proxy))) as pool,
    ):
        with pytest.raises(ConnectError, match="certificate"):
            await fetch(pool, server.origin)
        await proxy.wait_gone()


async def test_plain_http_through_a_proxy() -> None:
    async with scripted_server(relay) as proxy, closing(HttpPool(proxies=proxies_for(proxy))) as pool:
        answer = await fetch(pool, Origin("http", "models.example", 8080), b"hi")
        assert answer == b"http://models.example:8080/v1/x models.example:8080 hi"


async def test_a_proxy_that_refuses(authority: Authority) -> None:
    async with (
        scripted_server(relay) as proxy,
        closing(HttpPool(ssl_context=authority.client(), proxies=proxies_for(proxy, "user:wrong@"))) as pool,
    ):
        with pytest.raises(ConnectError, match="407") as caught:
            await fetch(pool, Origin("https", "models.example", 443))
        assert "wrong" not in caught.value.args[0]
        assert pool.busy == 0


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"HTTP/1.1 200 OK\r\n\r\nextra", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000]
)
async def test_a_proxy_that_is_none(authority: Authority, answer: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(answer)

    async with (
        scripted_server(behave) as proxy,
        closing(HttpPool(ssl_context=authority.client(), proxies=proxies_for(proxy))) as pool,
    ):
        with pytest.raises(ConnectError, match="proxy"):
            await fetch(pool, Origin("https", "models.example", 443))


async def test_a_proxy_that_is_silent(authority: Authority) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hung_up()

    async with (
        scripted_server(behave) as proxy,
        closing(HttpPool(ssl_context=authority.client(), proxies=proxies_for(proxy), connect_timeout=0.2)) as pool,
    ):
        with pytest.raises(ConnectTimeoutError):
            await fetch(pool, Origin("https", "models.example", 443))
        await proxy.wait_gone()
