"""An upstream that records requests and answers each with the same bytes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class RecordingUpstream:
    """The running server; ``answer`` is what it sends next, and the lists what it received."""

    answer: bytes = b"{}"
    content_type: str = "application/json"
    status: int = 200
    answer_headers: dict[str, str] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                upstream.paths.append(self.path)
                upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
                upstream.bodies.append(json.loads(self.rfile.read(length)))
                self.send_response(upstream.status)
                self.send_header("Content-Type", upstream.content_type)
                self.send_header("Content-Length", str(len(upstream.answer)))
                for header in upstream.answer_headers.items():
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(upstream.answer)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def send_json(self, body: object) -> None:
        """Answer with an object; lone surrogates become escapes."""
        self.answer, self.content_type = json.dumps(body).encode(), "application/json"

    def send_events(self, events: Iterable[object], *, done: bool = False) -> None:
        """Answer with server-sent events."""
        blocks = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in events]
        self.answer, self.content_type = b"".join(blocks) + (b"data: [DONE]\n\n" if done else b""), "text/event-stream"
