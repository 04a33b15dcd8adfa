"""Exporters of spans and metrics: OTLP over HTTP, configured by the standard variables, or Application Insights."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence

from opentelemetry.sdk.metrics import Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from infra.telemetry.otel.measurements import Measurements
from infra.telemetry.otel.spans import Spans

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


class _MetricExports:
    """Exports measurements every now and then, in a thread.

    Args:
        exporter: sends them.
        measurements: what to send.
        failures: counts exports that failed.
    """

    def __init__(self, exporter: MetricExporter, measurements: Measurements, failures: Failures) -> None:
        self._exporter = exporter
        self._measurements = measurements
        self._failures = failures
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metric exports", daemon=True)
        self._thread.start()

    def shutdown(self) -> None:
        self._closing.set()
        self._thread.join()
        self._exporter.shutdown()

    def _run(self) -> None:
        interval = _milliseconds("OTEL_METRIC_EXPORT_INTERVAL", 60_000) / 1000
        while not self._closing.wait(interval):
            self._export()
        self._export()

    def _export(self) -> None:
        timeout = _milliseconds("OTEL_METRIC_EXPORT_TIMEOUT", 30_000)
        try:
            result = self._exporter.export(self._measurements.collect(), timeout)
        except Exception:  # noqa: BLE001 - of whichever exporter; the next export may succeed
            result = MetricExportResult.FAILURE
        self._failures.note(failed=result is not MetricExportResult.SUCCESS)


def _milliseconds(variable: str, default: float) -> float:
    try:
        return max(1.0, float(os.environ.get(variable, default)))
    except ValueError:
        return default


class Pipeline:
    """Makes spans and measurements, and exports them. Exporting happens in threads.

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
        scope = InstrumentationScope("llmproxy", version)
        self._processors = [BatchSpanProcessor(_Spans(one, self.failures)) for one in spans]
        self.spans = Spans(TracerProvider(resource=resource, shutdown_on_exit=False), self._processors, scope)
        self.measurements = [Measurements(_temporality(one), resource, scope) for one in metrics]
        self._exports = [
            _MetricExports(one, measurements, self.failures)
            for one, measurements in zip(metrics, self.measurements, strict=True)
        ]

    def close(self) -> None:
        """Export what waits, for a few seconds at most."""
        # A thread that does not end must not keep the process from ending.
        thread = threading.Thread(target=self._close, name="telemetry", daemon=True)
        thread.start()
        thread.join(_SHUTDOWN_SECONDS)

    def _close(self) -> None:
        for processor in self._processors:
            processor.shutdown()  # type: ignore[no-untyped-call]
        for exports in self._exports:
            exports.shutdown()


def _temporality(exporter: MetricExporter) -> AggregationTemporality:
    preferred = exporter._preferred_temporality or {}  # noqa: SLF001 - no public name
    return preferred.get(Histogram, AggregationTemporality.CUMULATIVE)


def otlp_exporters(environment: Mapping[str, str]) -> tuple[list[SpanExporter], list[MetricExporter]]:
    """Make the exporters that the standard variables ask for. The SDK reads address, headers and so on itself."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - of another extra than the SDK
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the same

    wanted = [environment.get(f"OTEL_{signal}_EXPORTER", "otlp") != "none" for signal in ("TRACES", "METRICS")]
    return [OTLPSpanExporter()] if wanted[0] else [], [OTLPMetricExporter()] if wanted[1] else []
