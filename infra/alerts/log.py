"""Alerts as lines of the log: where no webhook is set."""

from __future__ import annotations

import logging

from application.ports.alerts import BudgetAlert

logger = logging.getLogger("llmproxy.alerts")


class LogAlerts:
    """The log line of an alert is written where it is found; this adds nothing."""

    async def deliver(self, alert: BudgetAlert) -> bool:
        """Count the log line as delivery."""
        logger.debug("no webhook is set", extra={"alert": alert.id})
        return True
