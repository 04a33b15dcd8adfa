"""``@vercel/cosmosdb-server`` as the database: its documents are in memory, its HTTPS certificate is its own."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from infra.clients.cosmos import CosmosAccount
from tests.tools import ROOT, require_node_package

KEY = base64.b64encode(b"a key that the server never looks at").decode()
_SCRIPT = ROOT / "tests" / "node" / "cosmos_server.mjs"
_numbers = count()


@contextmanager
def cosmos_server(port: int = 0) -> Iterator[int]:
    """Run it until the block ends.

    Args:
        port: on which; 0 = any free one.

    Yields:
        Its port.
    """
    node = require_node_package("@vercel/cosmosdb-server")
    with subprocess.Popen(  # noqa: S603 - the program that was just looked up
        [node, str(_SCRIPT), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def cosmos_account(port: int, *, database: str | None = None, deadline: float = 5.0) -> CosmosAccount:
    """Return an account on this machine, with a database of its own unless one is named."""
    name = database or f"test-{next(_numbers)}"
    return CosmosAccount(f"https://127.0.0.1:{port}", KEY, name, verify_tls=False, deadline=deadline)
