"""Settings of the server as a process: where settings come from, how it stops, and connections of callers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

from llmproxy.setting_values import experiment_of_json, lower_case, network_list, origin_list, own_host_list

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ChaosMode(StrEnum):
    """Permission to inject faults on purpose."""

    OFF = "off"
    ON = "on"
    PRODUCTION = "production"
    """Also when ``ENVIRONMENT=production``."""


class AdminMode(StrEnum):
    """Administration over HTTP."""

    ON = "on"
    OFF = "off"


class ServerSettings(BaseSettings):
    """A part of the settings."""

    llmproxy_admin: Annotated[AdminMode, BeforeValidator(lower_case)] = Field(
        AdminMode.ON, description="`off` = no administration over HTTP: neither `/api/admin` nor its page."
    )
    llmproxy_admin_port: int | None = Field(
        None, ge=1, le=65_535, description="Port of the administration alone, on `HOST`; empty = that of callers."
    )

    llmproxy_chaos: Annotated[ChaosMode, BeforeValidator(lower_case)] = Field(
        ChaosMode.OFF, description="`on` = faults may be injected on purpose; `production` = in production, too."
    )
    llmproxy_chaos_engineering: Annotated[dict[str, Any] | None, NoDecode, BeforeValidator(experiment_of_json)] = Field(
        None, description='Faults that are injected from the start, as JSON: `{"enabled": true, "faults": [...]}`.'
    )

    llmproxy_config: Path | None = Field(
        None, description="YAML file with settings under these names; variables win. Read again with the settings."
    )
    llmproxy_env_file: Path | None = Field(
        None,
        description="File with further variables, also in production; `.env` is then not read. SIGHUP reads it again.",
    )
    llmproxy_drain_seconds: Seconds = Field(
        120.0, description="How long calls under way may last once the server is told to stop, seconds."
    )
    llmproxy_drain_delay: Annotated[float, Field(ge=0, le=3_600)] = Field(
        0.0,
        description="How long a server that is told to stop still accepts calls, seconds, so that load balancers "
        "notice that it is not ready.",
    )
    llmproxy_max_calls: int = Field(
        8_000, ge=1, description="Model calls at a time per process; a project may have 90 % of them."
    )
    llmproxy_max_waiting: int = Field(
        1_000, ge=0, description="Callers that may wait for their turn per process; half for one project."
    )
    llmproxy_keep_alive_interval: Seconds = Field(
        15.0, description="Silence of a stream after which its caller gets a comment, seconds."
    )
    llmproxy_send_timeout: Seconds = Field(
        60.0, description="Time in which a caller must read some of its response before it is disconnected, seconds."
    )
    llmproxy_max_connections: int = Field(10_000, ge=1, description="Open connections of callers per process.")
    llmproxy_max_connections_per_address: int = Field(
        8_000, ge=1, description="Open connections of one address per process, except trusted proxies."
    )
    llmproxy_trusted_proxies: Annotated[str, AfterValidator(network_list)] | None = Field(
        None, description="Addresses or networks of proxies whose `X-Forwarded-For` is believed, separated by commas."
    )
    llmproxy_cors_origins: Annotated[str, AfterValidator(origin_list)] | None = Field(
        None, description="Origins of web pages that may call the API, separated by commas, or `*`; empty = none."
    )
    llmproxy_allowed_hosts: Annotated[str, AfterValidator(own_host_list)] | None = Field(
        None, description="Hosts that requests may be addressed to, separated by commas; empty = any."
    )
    llmproxy_tls_cert: Path | None = Field(
        None, description="PEM file with the certificate of the server and its chain; empty = plain HTTP."
    )
    llmproxy_tls_key: Path | None = Field(
        None, description="PEM file with its private key; empty = it is in the file of the certificate."
    )
