"""An upstream on a real socket that sends exactly the bytes a test wants."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self


def answer(
    body: bytes, kind: bytes = b"application/json", status: bytes = b"200 OK", headers: bytes = b"connection: close\r\n"
) -> bytes:
    """Build an answer with its head."""
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n"
    return head % (status, kind, len(body), headers) + body


class ScriptedUpstream:
    """Reads a request and answers with the bytes that were ordered last."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._pieces: tuple[bytes, ...] = ()
        self._then = "close"
        self._pause = 0.0
        self._first: deque[bytes] = deque()
        self.connections = 0
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @contextmanager
    def answering(self, *pieces: bytes, then: str, pause: float = 0, first: Sequence[bytes] = ()) -> Iterator[None]:
        """For as long as the block lasts; afterwards every connection ends.

        Args:
            pieces: what to send.
            then: ``close``, ``reset``, ``wait`` (send nothing more) or ``repeat`` (the last piece, every 0.2 seconds).
            pause: seconds after each piece.
            first: answers to the first requests, before which none of this applies.
        """
        self._first = deque(first)
        self._pieces, self._then, self._pause, self._over = pieces, then, pause, threading.Event()
        try:
            yield
        finally:
            self._over.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pieces, then, pause, over = self._pieces, self._then, self._pause, self._over
        self.connections += 1
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            if self._first:
                connection.sendall(self._first.popleft())
                return
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            if then == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            while then == "repeat" and not over.is_set():
                connection.sendall(pieces[-1])
                time.sleep(0.2)
            if then == "wait":
                over.wait(60)
