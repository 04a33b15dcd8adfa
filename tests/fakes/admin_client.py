"""Sessions at the pages of administration without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.fakes.llmproxy_server import LLMProxy


@contextmanager
def signed_in(proxy: LLMProxy, key: str) -> Iterator[httpx.Client]:
    """Open a session. Each request is a connection of its own, so that both workers serve it."""
    with httpx.Client(base_url=proxy.url, timeout=60, headers={"connection": "close"}, trust_env=False) as client:
        answer = client.post("/admin/login", data={"key": key, "next": "/admin"})
        assert answer.status_code == 303, answer.text
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert key not in cookie
        yield client


def token_of(client: httpx.Client) -> str:
    """Return the token that forms of a session carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/admin/settings").text)
    assert found
    return found[1]
