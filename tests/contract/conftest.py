"""Servers that contract suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.cosmos_server import cosmos_server


@pytest.fixture(scope="session")
def cosmos_port() -> Iterator[int]:
    """Of a Cosmos DB server in which each store has a database of its own."""
    with cosmos_server() as port:
        yield port
