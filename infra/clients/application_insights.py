"""Exporters of Application Insights. Imported only where it is configured."""

from __future__ import annotations

import os
from typing import Any


def application_insights_exporters(connection_string: str, *, identity: bool) -> tuple[Any, Any]:
    """Make an exporter of spans and one of metrics.

    Args:
        connection_string: of the resource.
        identity: present the machine's identity, which resources without local authentication demand.
    """
    # It reports about itself to Microsoft unless this is set before it is imported.
    os.environ.setdefault("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415 - an extra
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    options: dict[str, Any] = {"connection_string": connection_string, "disable_offline_storage": True}
    if identity:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow to import

        options["credential"] = DefaultAzureCredential()
    return AzureMonitorTraceExporter(**options), AzureMonitorMetricExporter(**options)
