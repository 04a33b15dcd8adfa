"""OpenTelemetry and Application Insights: wrapped around providers and handler where one of them is configured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from application.ports.providers import Provider
from infra.clients.application_insights import application_insights_exporters
from infra.controllers.asgi_app import Serve
from infra.controllers.openai.routes import Route, StoredRoute
from infra.controllers.request_log import RequestRecord
from infra.telemetry.prometheus import Gauge
from llmproxy.settings import Settings, SettingsError

if TYPE_CHECKING:  # an optional extra, which takes time and memory
    from infra.telemetry.otel.pipeline import Pipeline

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
_PROTOCOLS = (
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
)
_PROTOCOL = "http/protobuf"


class Tracing:
    """Spans and metrics of this process.

    Args:
        pipeline: exports them.
        older_names: record metrics under the names of earlier conventions, too.
    """

    def __init__(self, pipeline: Pipeline, *, older_names: bool) -> None:
        from infra.telemetry.otel.instruments import Instruments  # noqa: PLC0415 - see TYPE_CHECKING above

        self._pipeline = pipeline
        self._instruments = Instruments(pipeline.measurements, older_names=older_names)
        self.close = pipeline.close

    def provider(self, provider: Provider) -> Provider:
        """Return a provider that records each request to an upstream."""
        from infra.telemetry.otel.client_spans import TracedProvider  # noqa: PLC0415 - see TYPE_CHECKING above

        return TracedProvider(provider, self._pipeline.spans, self._instruments)

    def handler(self, serve: Serve) -> Serve:
        """Return a handler that records each call of a caller."""
        from infra.telemetry.otel.server_spans import CallOutcome, ServerSpans, ids_of  # noqa: PLC0415 - the same

        spans = ServerSpans(self._pipeline.spans, self._instruments)

        async def traced(
            route: Route | StoredRoute, scope: Scope, receive: Receive, send: Send, record: RequestRecord
        ) -> None:
            span = spans.start(scope["headers"], record.method, record.endpoint, record.path)
            record.trace = ids_of(span)
            try:
                await serve(route, scope, receive, send, record)
            finally:
                account, caller, call = record.account, record.caller, record.call
                document = None if account is None else account.document
                outcome = CallOutcome(
                    status=record.status,
                    error=record.error,
                    seconds=record.milliseconds / 1000,
                    request_id=record.request_id,
                    project=None if caller is None else caller.project.id,
                    model_type=None if document is None else document.model_type,
                    line=None if account is None else account.line,
                )
                spans.end(span, None if call is None else call.endpoint, outcome)

        return traced

    def gauges(self) -> list[Gauge]:
        """Return the metric of exports that failed."""
        return [
            Gauge(
                "llm_proxy_telemetry_export_failures",
                "Exports to the collector of OpenTelemetry that failed, since the start.",
                (),
                lambda: [((), float(self._pipeline.failures.count))],
            )
        ]


class Untraced:
    """Replacement for ``Tracing`` where nothing is configured: everything stays as it is."""

    def close(self) -> None:
        """Do nothing."""

    def provider(self, provider: Provider) -> Provider:
        """Return the provider itself."""
        return provider

    def handler(self, serve: Serve) -> Serve:
        """Return the handler itself."""
        return serve

    def gauges(self) -> list[Gauge]:
        """Return no metric."""
        return []


def open_tracing(settings: Settings, version: str) -> Tracing | Untraced:
    """Start what is configured. Imports OpenTelemetry only if something is."""
    otlp, connection = wants_otlp(os.environ), settings.applicationinsights_connection_string
    if not otlp and connection is None:
        return Untraced()
    from infra.telemetry.otel.pipeline import Pipeline, otlp_exporters  # noqa: PLC0415 - see TYPE_CHECKING above

    spans, metrics = otlp_exporters(os.environ) if otlp else ([], [])
    if connection is not None:
        of_spans, of_metrics = application_insights_exporters(
            connection.get_secret_value(), identity=settings.llmproxy_appinsights_identity
        )
        spans.append(of_spans)
        metrics.append(of_metrics)
    return Tracing(Pipeline(version, spans, metrics), older_names=settings.llmproxy_otel_older_names)


def wants_otlp(environment: Mapping[str, str]) -> bool:
    """Tell whether the standard variables name a collector."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(environment.get(name) for name in _ENDPOINTS)


def check_tracing(settings: Settings, environment: Mapping[str, str]) -> None:
    """Check that what is configured can be used.

    Raises:
        SettingsError: a package is missing, or a collector is to be reached by another protocol than HTTP.
    """
    if wants_otlp(environment):
        if not _installed("opentelemetry.exporter.otlp.proto.http"):
            raise SettingsError("a collector is configured (OTEL_EXPORTER_OTLP_...); run: pip install llmproxy[otel]")
        for name in _PROTOCOLS:
            if environment.get(name, _PROTOCOL) != _PROTOCOL:
                raise SettingsError(f"{name} must be {_PROTOCOL}")
    if settings.applicationinsights_connection_string is not None and not _installed("azure.monitor.opentelemetry"):
        raise SettingsError("APPLICATIONINSIGHTS_CONNECTION_STRING is set; run: pip install llmproxy[appinsights]")


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False
