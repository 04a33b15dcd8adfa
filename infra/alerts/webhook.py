"""Alerts to a webhook: JSON that Teams and Slack workflows can read, signed, tried again with growing pauses."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict

from application.ports.alerts import BudgetAlert
from infra.clients.http.errors import HttpError
from infra.clients.http.origin import Origin
from infra.clients.http.pool import HttpPool

logger = logging.getLogger("llmproxy.alerts")

PAUSES = (1.0, 5.0, 15.0, 30.0)
"""Seconds before each further attempt."""
_TIMEOUT = 10.0
_MOST_READ = 64 * 1024
_GOOD = range(200, 300)


class WebhookAlerts:
    """Sends each alert as a POST request until one is answered with 2xx.

    Args:
        pool: connections.
        url: of the webhook; a secret, as such addresses often hold a token.
        secret: key of the signature; empty for none.
        pauses: seconds before each further attempt.

    Raises:
        ValueError: not a URL.
    """

    def __init__(self, pool: HttpPool, url: str, secret: str, pauses: Sequence[float] = PAUSES) -> None:
        base, mark, query = url.partition("?")
        self._origin, path = Origin.parse(base)
        self._target = (path or "/") + mark + query
        self._pool = pool
        self._secret = secret.encode()
        self._pauses = pauses

    async def deliver(self, alert: BudgetAlert) -> bool:
        """Send an alert; return whether it was accepted."""
        body = json.dumps({"event": "budget_alert", "text": alert.text, **asdict(alert)}).encode()
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            reason = await self._send(alert.id, body)
            if reason is None:
                logger.info("alert delivered", extra={"alert": alert.id})
                return True
            logger.warning("alert not delivered", extra={"alert": alert.id, "reason": reason})
        return False

    async def _send(self, alert_id: str, body: bytes) -> str | None:
        """Send it once; return the reason if it was not accepted."""
        head = (
            f"POST {self._target} HTTP/1.1\r\nhost: {self._origin.authority}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-llmproxy-alert-id: {alert_id}\r\n"
        )
        if self._secret:
            head += f"x-llmproxy-signature: sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}\r\n"
        try:
            response = await self._pool.request(
                self._origin, f"{head}\r\n".encode(), body, silence_timeout=_TIMEOUT, total_timeout=_TIMEOUT
            )
            status = response.status
            await response.read(_MOST_READ)
        except HttpError as error:
            return type(error).__name__
        return None if status in _GOOD else f"status {status}"
