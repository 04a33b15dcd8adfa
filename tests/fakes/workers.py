"""Worker processes of a server, and whether it takes connections."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.fakes.llmproxy_server import LLMProxy


def workers_of(pid: int) -> list[int]:
    """Return the processes that a server has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [int(child) for child in children if b"multiprocessing.spawn" in _command(int(child))]


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def serves(proxy: LLMProxy) -> bool:
    """Return whether a new connection is accepted and answered."""
    try:
        return httpx.get(f"{proxy.url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
