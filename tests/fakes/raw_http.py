"""Raw HTTP, for requests that no client sends."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RawAnswer:
    """A parsed answer, with the names that httpx uses."""

    status_code: int
    headers: dict[str, str]
    text: str


def request(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Make the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: test", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def exchange(port: int, *pieces: bytes, timeout: float = 30) -> RawAnswer:
    """Send the pieces and read one answer, even if the server stops reading before the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        return _read(connection)


def _read(connection: socket.socket) -> RawAnswer:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length")
    while (len(body) < int(length)) if length is not None else not body.endswith(b"0\r\n\r\n"):
        body += _more(connection)
    return RawAnswer(int(first.split()[1]), headers, body.decode())


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65_536)
    assert piece, "the server closed the connection without an answer"
    return piece
