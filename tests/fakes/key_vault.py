"""Azure Key Vault's protocol for reading secrets: a challenge, a token, and JSON with version and time of change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.fakes.certificates import Authority
from tests.fakes.token_server import TOKEN


@dataclass
class FakeVault:
    """The running vault.

    Args:
        url: its address.
        ca_file: authority that its certificate is of.
        secrets: value and version by name in small letters.
        available: false to refuse everything.
        read: names that were read.
    """

    url: str
    ca_file: Path
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)
    available: bool = True
    read: list[str] = field(default_factory=list)


@contextmanager
def key_vault(folder: Path) -> Iterator[FakeVault]:
    """Serve on a free port until the block ends.

    Args:
        folder: for certificates.
    """

    class Vault(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.split("?")[0].strip("/").split("/")[1].lower()
            if not state.available:
                self._answer(503, {"error": {"code": "Unavailable", "message": "try later"}})
            elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                # The SDK wants the vault's host to be within the domain of the resource.
                resource = f"https://0.0.1:{server.server_port}"
                challenge = f'Bearer authorization="https://login.example/tenant", resource="{resource}"'
                self._answer(401, {}, {"WWW-Authenticate": challenge})
            elif name in state.secrets:
                value, version = state.secrets[name]
                state.read.append(name)
                attributes = {"enabled": True, "created": 1_790_000_000, "updated": int(time.time())}
                found = {"value": value, "id": f"{state.url}/secrets/{name}/{version}", "attributes": attributes}
                self._answer(200, found)
            else:
                self._answer(404, {"error": {"code": "SecretNotFound", "message": "no such secret"}})

        def _answer(self, status: int, members: object, headers: dict[str, str] | None = None) -> None:
            body = json.dumps(members).encode()
            self.send_response(status)
            for header, value in (headers or {}).items():
                self.send_header(header, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Quiet."""

    authority = Authority(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), Vault) as server:
        server.socket = authority.server("127.0.0.1").wrap_socket(server.socket, server_side=True)
        state = FakeVault(f"https://127.0.0.1:{server.server_port}", authority.authority_file())
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield state
        server.shutdown()
