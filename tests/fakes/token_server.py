"""The endpoints at which App Service, Container Apps and virtual machines issue tokens of a managed identity."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "the-token-of-the-identity"
SECRET = "let-me-in"


@dataclass
class TokenServer:
    """The running server: whoever shows the secret gets the token.

    Args:
        url: for ``IDENTITY_ENDPOINT``.
        lifetime: seconds that a token lives.
        asked: the paths that were asked for.
        answering: whoever asks waits for this.
    """

    url: str
    lifetime: int = 3600
    asked: list[str] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)


@contextmanager
def token_server(*, metadata: bool = False) -> Iterator[TokenServer]:
    """Serve on a free port until the block ends.

    Args:
        metadata: as the metadata service of a virtual machine, which wants the header ``Metadata`` and no secret.
    """

    class Tokens(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.answering.wait()
            allowed = self.headers["Metadata"] == "true" if metadata else self.headers["X-IDENTITY-HEADER"] == SECRET
            if not allowed:
                self.send_error(401)
                return
            granted = {
                "access_token": TOKEN,
                "expires_on": str(int(time.time()) + state.lifetime),
                "resource": "r",
                "token_type": "Bearer",
            }
            body = json.dumps(granted).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as server:
        state = TokenServer(f"http://127.0.0.1:{server.server_port}{'' if metadata else '/msi/token'}")
        state.answering.set()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield state
        state.answering.set()
        server.shutdown()
