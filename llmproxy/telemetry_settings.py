"""Settings of logs and metrics."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from llmproxy.setting_values import lower_case, upper_case, writable_file


class LogLevel(StrEnum):
    """Level of the log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """Form of the lines of the logs on stdout and stderr."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class TelemetrySettings(BaseSettings):
    """A part of the settings."""

    llmproxy_access_log: bool = Field(default=True, description="One line for each request on stdout.")
    llmproxy_log_level: Annotated[LogLevel, BeforeValidator(upper_case)] = Field(
        LogLevel.INFO, description="`DEBUG`, `INFO`, `WARNING` or `ERROR`."
    )
    llmproxy_log_format: Annotated[LogFormat, BeforeValidator(lower_case)] = Field(
        LogFormat.AUTO, description="`json`, `text`, or `auto`: text on a terminal, JSON elsewhere."
    )
    llmproxy_log_file: Annotated[Path, AfterValidator(writable_file)] | None = Field(
        None, description="File that every line of the logs is added to as well, as JSON."
    )
    llmproxy_memory_limit: int | None = Field(
        None,
        ge=1024 * 1024,
        description="Bytes that a process should not pass: beyond it warns and releases caches; "
        "empty = nine tenths of the container's limit.",
    )
    llmproxy_otel_older_names: bool = Field(
        default=False, description="`true` = OpenTelemetry's metrics have the names of earlier conventions as well."
    )
    applicationinsights_connection_string: SecretStr | None = Field(
        None, description="Connection string of Application Insights, which gets spans and metrics; empty = nothing."
    )
    llmproxy_appinsights_identity: bool = Field(
        default=False, description="`true` = Application Insights gets the machine's identity."
    )
    llmproxy_metrics: bool = Field(default=True, description="Count calls and requests, and serve them at `/metrics`.")
    llmproxy_metrics_protected: bool = Field(
        default=False, description="`true` = `/metrics` needs an administrator's key."
    )
    llmproxy_metrics_port: int | None = Field(
        None, ge=1, le=65_535, description="Port of `/metrics` alone, on `HOST`; empty = that of callers."
    )
    llmproxy_metrics_series: int = Field(
        10_000, ge=10, le=1_000_000, description="Most combinations of labels; further ones are counted as `other`."
    )
    llmproxy_anomaly_interval: float = Field(
        300.0,
        ge=0,
        le=86_400,
        description="Seconds after which spending and errors of projects are compared with what was usual; 0 = never.",
    )
