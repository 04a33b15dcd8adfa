"""Exporters of spans and metrics: OTLP over HTTP, configured by the standard variables, or Application Insights."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

logger = logging.getLogger("llmproxy.otel")

_SHUTDOWN_SECONDS = 3.0


class Failures:
    """Counts exports that failed, and logs when the collector becomes unavailable and available again."""

    def __init__(self) -> None:
        self.count = 0
        self._failing = False

    def note(self, *, failed: bool) -> None:
        """Note the result of an export."""
        self.count += failed
        if failed and not self._failing:
            logger.warning("telemetry cannot be exported: it is dropped")
        elif self._failing and not failed:
            logger.info("telemetry is exported again")
        self._failing = failed


class _Spans(SpanExporter):
    def __init__(self, exporter: SpanExporter, failures: Failures) -> None:
        self._exporter = exporter
        self._failures = failures

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self._failures.note(failed=result is not SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _Metrics(MetricExporter):
    def __init__(self, exporter: MetricExporter, failures: Failures) -> None:
        # The reader asks the exporter that it is given, not the one inside.
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)  # noqa: SLF001 - no public name
        self._exporter = exporter
        self._failures = failures

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **options: Any) -> MetricExportResult:
        result = self._exporter.export(metrics_data, timeout_millis, **options)
        self._failures.note(failed=result is not MetricExportResult.SUCCESS)
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
        self._exporter.shutdown(timeout_millis, **options)


class Pipeline:
    """Providers of spans and metrics, and their exporters. Exporting happens in threads.

    Args:
        version: of the product.
        spans: exporters of spans; none to make no spans.
        metrics: exporters of metrics; none to record no metrics.
    """

    def __init__(self, version: str, spans: Sequence[SpanExporter], metrics: Sequence[MetricExporter]) -> None:
        # At each attempt they log an address, and a line for each span is not wanted either.
        for name in ("opentelemetry", "azure.monitor"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        name = os.environ.get("OTEL_SERVICE_NAME") or "llmproxy"
        resource = Resource.create({"service.name": name, "service.version": version})
        self.failures = Failures()
        self._tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
        for span_exporter in spans:
            self._tracing.add_span_processor(BatchSpanProcessor(_Spans(span_exporter, self.failures)))
        readers = [PeriodicExportingMetricReader(_Metrics(one, self.failures)) for one in metrics]
        self._metering = MeterProvider(readers, resource, shutdown_on_exit=False)
        self.tracer: Tracer = self._tracing.get_tracer("llmproxy", version)
        self.meter: Meter = self._metering.get_meter("llmproxy", version)

    def close(self) -> None:
        """Export what waits, for a few seconds at most."""
        # A thread that does not end must not keep the process from ending.
        thread = threading.Thread(target=self._close, name="telemetry", daemon=True)
        thread.start()
        thread.join(_SHUTDOWN_SECONDS)

    def _close(self) -> None:
        self._tracing.shutdown()
        self._metering.shutdown()


def otlp_exporters(environment: Mapping[str, str]) -> tuple[list[SpanExporter], list[MetricExporter]]:
    """Make the exporters that the standard variables ask for. The SDK reads address, headers and so on itself."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - of another extra than the SDK
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the same

    wanted = [environment.get(f"OTEL_{signal}_EXPORTER", "otlp") != "none" for signal in ("TRACES", "METRICS")]
    return [OTLPSpanExporter()] if wanted[0] else [], [OTLPMetricExporter()] if wanted[1] else []
