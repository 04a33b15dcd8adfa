"""Settings of calls to upstreams: connections, time limits, routing, circuit breakers, retries."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from domain.circuit_breaker import BreakerPolicy
from domain.model import Strategy
from domain.retry import RetryPolicy
from llmproxy.limit_settings import LimitSettings
from llmproxy.server_settings import Seconds
from llmproxy.setting_values import lower_case


class UpstreamSettings(LimitSettings):
    """A part of the settings."""

    llmproxy_connect_timeout: Seconds = Field(10.0, description="Time to connect to an upstream, seconds.")
    llmproxy_upstream_connections: int = Field(
        2_000, ge=1, description="Connections to one upstream address per process; a project may use 90 % of them."
    )
    llmproxy_upstream_queue: int = Field(
        2_000, ge=0, description="Calls that may wait for a connection to one upstream address; half for one project."
    )
    llmproxy_upstream_queue_timeout: Seconds = Field(
        30.0, description="How long a call may wait for a connection to an upstream, seconds."
    )
    llmproxy_silence_timeout: Seconds = Field(
        600.0,
        description="How long an upstream may send nothing, seconds; a document's `parameters.timeout` wins.",
    )
    llmproxy_first_byte_timeout: Seconds | None = Field(
        None,
        description="How long an upstream may take for the first byte of its response, seconds; "
        "empty = `LLMPROXY_SILENCE_TIMEOUT`.",
    )
    llmproxy_total_timeout: Seconds = Field(3600.0, description="How long one upstream call may last, seconds.")
    llmproxy_retries: int = Field(
        2,
        ge=0,
        le=10,
        description="How often a call of a model with a single deployment and no fallback is repeated.",
    )
    llmproxy_routing: Annotated[Strategy, BeforeValidator(lower_case)] = Field(
        Strategy.WEIGHTED,
        description="How the deployments of a model share the calls, where no document says `routing`: "
        "`weighted`, `round_robin`, `least_busy`, `latency` or `cost`.",
    )
    llmproxy_circuit_breaker_threshold: int = Field(
        5, ge=1, le=10_000, description="Failures in a row after which a deployment takes no calls for a while."
    )
    llmproxy_circuit_breaker_timeout: Seconds = Field(
        60.0, description="How long it takes none, seconds; doubled after each failed trial, up to ten minutes."
    )
    llmproxy_half_open_max_calls: int = Field(
        3, ge=1, le=10_000, description="Trial calls at a time once that time has passed."
    )

    @property
    def breaker_policy(self) -> BreakerPolicy:
        """Conditions under which circuit breakers open."""
        return BreakerPolicy(
            threshold=self.llmproxy_circuit_breaker_threshold,
            timeout=self.llmproxy_circuit_breaker_timeout,
            trial_calls=self.llmproxy_half_open_max_calls,
        )

    @property
    def retry_policy(self) -> RetryPolicy:
        """Limits of retries."""
        return RetryPolicy(most=self.llmproxy_retries)
