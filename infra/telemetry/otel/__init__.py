"""OpenTelemetry: spans and metrics of calls. Imported only where an exporter is configured."""
