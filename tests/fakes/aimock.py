"""``@copilotkit/aimock`` as an upstream: a server that speaks the formats of many vendors, with canned answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_CLI = Path(__file__).parents[1] / "node" / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
_PATIENCE = 20


def command() -> tuple[str, str]:
    """Node and aimock's script; the test is skipped where either is missing, but fails where ``CI`` is set."""
    node = shutil.which("node")
    if node is not None and _CLI.exists():
        return node, str(_CLI)
    reason = "aimock is not installed: run `npm ci` in tests/node (needs Node 20)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def aimock(directory: Path, fixtures: Sequence[dict[str, Any]], *options: str) -> Iterator[str]:
    """Run it on a free port until the block ends.

    Args:
        directory: where the fixtures may be written.
        fixtures: in aimock's own format.
        options: further command line options.

    Yields:
        Its base URL.
    """
    node, script = command()
    path = directory / "fixtures.json"
    path.write_text(json.dumps({"fixtures": list(fixtures)}), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - the script that was just looked up
        [node, script, "-p", str(port), "-f", str(path), "--log-level", "warn", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_listening(port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, "aimock did not start"
            time.sleep(0.05)
        else:
            return
