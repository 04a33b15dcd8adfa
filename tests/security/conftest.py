"""A server with short time-outs and small limits for attacks, and what they do to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import wait_until

SEND_TIMEOUT = 1.5
LIMITS = {
    "LLMPROXY_SEND_TIMEOUT": str(SEND_TIMEOUT),
    "LLMPROXY_MAX_CONNECTIONS": "80",
    "LLMPROXY_MAX_CONNECTIONS_PER_ADDRESS": "70",
}


class Victim(LLMProxy):
    """A server under attack."""

    max_body_bytes = 64 << 20

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect from an address of this machine, with a small receive buffer."""
        attacker = socket.socket()
        attacker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        attacker.settimeout(30)
        attacker.bind((source, 0))
        attacker.connect(("127.0.0.1", self.port))
        return attacker

    def key_of(self, project: str) -> str:
        """Create a key of another project, and wait until the server accepts it."""
        key = self.create_key(project)
        url, headers = f"{self.url}/v1/models", {"api-key": key}
        wait_until(lambda: httpx.get(url, headers=headers).status_code == 200, what="the new key")
        return key

    def memory(self) -> int:
        """Resident memory of the process in bytes."""
        status = Path(f"/proc/{self.running.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[Victim]:
    made = Victim(
        tmp_path_factory.mktemp("victim"), simulated("sim"), upstream("wire", simulator.url), variables=LIMITS
    )
    yield made
    made.stop()
