"""The contract of adapters of alerts: delivered or not, and never an exception."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from dataclasses import asdict

import pytest

from application.ports.alerts import BudgetAlert
from infra.alerts.log import LogAlerts
from infra.alerts.webhook import WebhookAlerts
from infra.clients.http.pool import HttpPool
from infra.clients.http.proxies import Proxies
from tests.fakes.scripted_server import Peer, scripted_server

ALERT = BudgetAlert(
    "a1", "project büro", "büro", "month-USD", "2026-11@UTC", "0.8", "80.5", "100", "USD", "2026-12-01T00:00:00Z"
)
SECRET = "a secret of 16 bytes"


def pool() -> HttpPool:
    return HttpPool(ssl_context=ssl.create_default_context(), proxies=Proxies.from_environment({}), connect_timeout=2)


async def test_the_log_counts_as_delivery() -> None:
    assert await LogAlerts().deliver(ALERT)


async def test_a_webhook_gets_json_with_a_signature() -> None:
    async def accept(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")

    async with scripted_server(accept) as server:
        url = f"http://127.0.0.1:{server.origin.port}/hooks/1?sig=x%2F"
        connections = pool()
        assert await WebhookAlerts(connections, url, SECRET).deliver(ALERT)
        await connections.close()
        (received,) = server.requests
        assert received.line == b"POST /hooks/1?sig=x%2F HTTP/1.1"
        expected = hmac.new(SECRET.encode(), received.body, hashlib.sha256).hexdigest()
        assert received.headers[b"x-llmproxy-signature"] == f"sha256={expected}".encode()
        assert received.headers[b"x-llmproxy-alert-id"] == b"a1"
        body = json.loads(received.body)
        assert body == {"event": "budget_alert", "text": ALERT.text, **asdict(ALERT)}
        assert "80.5 of 100 USD" in body["text"]


async def test_a_webhook_is_tried_again() -> None:
    statuses = iter([b"503 Service Unavailable", b"500 Oops", b"204 No Content"])

    async def recover(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"", status=next(statuses))

    async with scripted_server(recover) as server:
        connections = pool()
        url = f"http://127.0.0.1:{server.origin.port}"
        assert await WebhookAlerts(connections, url, "", pauses=(0.01, 0.01)).deliver(ALERT)
        await connections.close()
        assert len(server.requests) == 3
        assert b"x-llmproxy-signature" not in server.requests[0].headers


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:1/hook?x=1"])
async def test_a_webhook_that_is_away_reports_that_it_was_not_delivered(url: str) -> None:
    connections = pool()
    assert not await WebhookAlerts(connections, url, SECRET, pauses=(0.01,)).deliver(ALERT)
    await connections.close()
