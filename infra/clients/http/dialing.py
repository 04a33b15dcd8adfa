"""Opening connections: TCP, the proxy's tunnel, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from infra.clients.http.errors import ConnectError, ConnectTimeoutError
from infra.clients.http.origin import Origin
from infra.clients.http.proxies import Proxy
from infra.clients.http.tunnel import Tunnel

P = TypeVar("P", bound=asyncio.Protocol)


async def dial(
    make: Callable[[], P], origin: Origin, proxy: Proxy | None, context: ssl.SSLContext, seconds: float
) -> P:
    """Open a connection and put a protocol on it.

    Args:
        make: creates the protocol.
        origin: the server to connect to.
        proxy: between us and the server.
        context: for TLS.
        seconds: for name resolution, TCP, proxy and TLS together.

    Raises:
        ConnectError: the connection failed.
    """
    try:
        async with asyncio.timeout(seconds):
            if proxy is not None and origin.scheme == "https":
                return await _through_tunnel(make, origin, proxy, context)
            return await _open(make, origin if proxy is None else proxy.origin, context)
    except TimeoutError:
        raise ConnectTimeoutError("no connection within the connect timeout") from None
    except OSError as error:
        raise ConnectError(_reason(error)) from None
    except UnicodeError:
        raise ConnectError("the host name is not valid") from None


async def _open(make: Callable[[], P], origin: Origin, context: ssl.SSLContext) -> P:
    tls = origin.scheme == "https"
    _, protocol = await asyncio.get_running_loop().create_connection(
        make, origin.host, origin.port, ssl=context if tls else None, server_hostname=origin.host if tls else None
    )
    return protocol


async def _through_tunnel(make: Callable[[], P], origin: Origin, proxy: Proxy, context: ssl.SSLContext) -> P:
    loop = asyncio.get_running_loop()
    tunnel = await _open(lambda: Tunnel(origin, proxy, loop), proxy.origin, context)
    try:
        transport = await tunnel.wait()
        protocol = make()
        secured = await loop.start_tls(transport, protocol, context, server_hostname=origin.host)
    except BaseException:
        tunnel.abort()
        raise
    if secured is None:
        raise ConnectError("the connection was closed during the TLS handshake")
    protocol.connection_made(secured)
    return protocol


def _reason(error: OSError) -> str:
    """Describe the failure without the address, which system messages may include."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate was not accepted (X.509 verification code {error.verify_code})"
    if isinstance(error, ssl.SSLError):
        return f"TLS handshake failed ({error.reason})"
    if isinstance(error, socket.gaierror):
        return "the host name was not found"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the connection was closed while being opened"
    return f"no connection ({type(error).__name__}, errno {error.errno})"
