"""Settings: environment variables, a ``.env`` file in development, a configuration file, and files with secrets."""

from __future__ import annotations

import os
import ssl
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from llmproxy.identity_settings import IdentitySettings
from llmproxy.server_settings import ChaosMode, Seconds, ServerSettings
from llmproxy.setting_files import CONFIG, OF_FILES, FileSource, secret_fields, values_of_files
from llmproxy.setting_values import account_key, host_list, lower_case, secret_host_list, time_zone
from llmproxy.telemetry_settings import TelemetrySettings
from llmproxy.tls import fault_of_certificate
from llmproxy.upstream_settings import UpstreamSettings

PREFIX = "LLMPROXY_"
IN_MEMORY = ":memory:"
"""``DATA_DIR`` that keeps nothing on disk."""


OTHER_CONTAINERS = frozenset({"projects", "administrators", "history", "usage", "leases", "audit", "content", "health"})
"""Containers that are not for models."""

DOTENV = Path(".env")


class SettingsError(Exception):
    """A setting is wrong or unknown. The message is one line that names it."""


class Environment(StrEnum):
    """Environment of the server; production refuses what is only fit for a laptop."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Authentication(StrEnum):
    """Authentication of callers."""

    ON = "on"
    OFF = "off"


Name = Annotated[str, Field(pattern=r"^[^/\\?#\s]{1,255}$")]


class Settings(UpstreamSettings, ServerSettings, TelemetrySettings, IdentitySettings):
    """Every setting, under the name of its environment variable in lower case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 = any free one.")
    environment: Annotated[Environment, BeforeValidator(lower_case)] = Field(
        Environment.DEVELOPMENT, description="`development` or `production`; production refuses unsafe settings."
    )
    auth: Annotated[Authentication, BeforeValidator(lower_case)] = Field(
        Authentication.ON, description="`off` = no key is needed and every caller is project `default`."
    )
    data_dir: str = Field(
        "./data", description="Folder of the embedded store and the journal; `:memory:` = keep nothing."
    )
    cosmos_url: Annotated[str, Field(pattern=r"^https://[^/\s]+/?$")] | None = Field(
        None, description="Address of an Azure Cosmos DB account; empty = the embedded store in `DATA_DIR`."
    )
    cosmos_key: Annotated[SecretStr, AfterValidator(account_key)] | None = Field(
        None, description="Key of the account; empty = a managed identity, through azure-identity."
    )
    cosmos_database_id: Name = Field("llm-proxy", description="Database in the account.")
    cosmos_container_id: Name = Field("models", description="Container with the model documents.")
    llmproxy_cosmos_verify_tls: bool = Field(
        default=True, description="`false` = trust any certificate, for local Cosmos DB servers; not in production."
    )
    llmproxy_cosmos_throughput: int | None = Field(
        None,
        ge=1000,
        multiple_of=1000,
        description="Highest RU/s (autoscale) of a database that `llmproxy init` creates; empty = as the account does.",
    )
    llmproxy_demo_key: SecretStr | None = Field(
        None, description="Key of the demo project, for scripts; otherwise a new one is made at each start."
    )
    llmproxy_max_body_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="Largest request body, bytes.")
    llmproxy_memory_budget: int = Field(
        512 * 1024 * 1024,
        ge=1024 * 1024,
        description="Memory for bodies and answers of all callers of a process, bytes; a project may use half of it.",
    )
    llmproxy_max_upload_bytes: int = Field(
        25 * 1024 * 1024, ge=1024, description="Largest file in a form (audio, images), bytes."
    )
    llmproxy_upload_budget: int = Field(
        4 * 1024 * 1024 * 1024, ge=1024 * 1024, description="Disk space for uploads in progress, bytes per process."
    )
    llmproxy_max_uploads_per_key: int = Field(32, ge=1, description="Forms that one key may have in progress.")
    llmproxy_body_timeout: Seconds = Field(120.0, description="Time for a request body to arrive, seconds.")
    llmproxy_timezone: Annotated[str, AfterValidator(time_zone)] = Field(
        "UTC", description="Time zone in which days and months of usage reports begin, such as `America/Sao_Paulo`."
    )
    llmproxy_refresh_interval: Seconds = Field(
        2.0, description="How often the store is asked whether documents changed, seconds."
    )
    llmproxy_signing_key: Annotated[SecretStr, Field(min_length=16)] | None = Field(
        None,
        description="Seals the ids of stored responses, the same for every replica; "
        "empty = made of `COSMOS_KEY`, else of a file in `DATA_DIR`.",
    )
    llmproxy_identity_hosts: Annotated[str, AfterValidator(host_list)] = Field(
        "*.openai.azure.com,*.cognitiveservices.azure.com,*.services.ai.azure.com,*.googleapis.com",
        description="Hosts that get tokens of the machine's identity, over https alone, separated by commas.",
    )
    llmproxy_secret_hosts: Annotated[str, AfterValidator(secret_host_list)] | None = Field(
        None,
        description="Hosts by the environment variable that documents may send there: "
        "`OPENAI_API_KEY=api.openai.com; AZURE_KEY=*.openai.azure.com; *=`.",
    )
    llmproxy_admin_key: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        None, description="Key of a first administrator, with the role `admin`, until one exists in the store."
    )
    llmproxy_keep_admin_key: bool = Field(
        default=False, description="`true` = `LLMPROXY_ADMIN_KEY` stays valid when administrators exist in the store."
    )
    llmproxy_ca_file: Path | None = Field(
        None, description="PEM file with the certificate authorities to trust for upstreams, in place of the system's."
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the values of files below those of the environment; see pydantic-settings."""
        return (
            *sources,
            named["init_settings"],
            named["env_settings"],
            named["dotenv_settings"],
            FileSource(settings_cls),
        )

    @property
    def in_memory(self) -> bool:
        """True if nothing is kept on disk."""
        return self.data_dir == IN_MEMORY


def load_environment(dotenv: Path = DOTENV) -> dict[str, str]:
    """Read the environment variables, and below them, outside production, those of a ``.env`` file.

    Nothing is written to ``os.environ``: what the file holds stays out of child processes and crash reports.

    Raises:
        SettingsError: the file cannot be read.
    """
    file = _dotenv_in_use(dotenv)
    try:
        from_file = {} if file is None else {name: value for name, value in dotenv_values(file).items() if value}
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text") from None
    return from_file | dict(os.environ)


def load_settings(dotenv: Path = DOTENV) -> Settings:
    """Read, check and convert.

    Raises:
        SettingsError: a value is wrong, an ``LLMPROXY_`` name is unknown, or a combination is unsafe in production.
    """
    environment = load_environment(dotenv)
    known = {name.upper() for name in Settings.model_fields} | {
        f"{name.upper()}_FILE" for name in secret_fields(Settings.model_fields)
    }
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"unknown setting {name}; see docs/settings.md")
    file = _dotenv_in_use(dotenv)
    try:
        of_files = values_of_files(environment, Settings.model_fields)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    reset = OF_FILES.set(of_files)
    try:
        settings = Settings(_env_file=file)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        of_file = name in of_files and not environment.get(name.upper())
        place = f" in {environment[CONFIG]}" if of_file and CONFIG in environment else ""
        raise SettingsError(f"{name.upper()}{place} is invalid: {first['msg']}") from None
    finally:
        OF_FILES.reset(reset)
    if settings.environment is Environment.PRODUCTION and file == dotenv:
        raise SettingsError(f"{file} was read although {environment[CONFIG]} says production: set ENVIRONMENT itself")
    _check_combinations(settings)
    return settings


def _check_combinations(settings: Settings) -> None:
    if settings.environment is Environment.PRODUCTION:
        if settings.auth is Authentication.OFF:
            raise SettingsError("AUTH=off is refused when ENVIRONMENT=production")
        if settings.llmproxy_chaos is ChaosMode.ON:
            raise SettingsError("LLMPROXY_CHAOS=on is refused when ENVIRONMENT=production; it must be `production`")
        if not settings.llmproxy_cosmos_verify_tls:
            raise SettingsError("LLMPROXY_COSMOS_VERIFY_TLS=false is refused when ENVIRONMENT=production")
    faults = settings.llmproxy_chaos_engineering
    if faults is not None and faults.get("enabled", True) and settings.llmproxy_chaos is ChaosMode.OFF:
        raise SettingsError("LLMPROXY_CHAOS_ENGINEERING has no effect while LLMPROXY_CHAOS=off")
    if settings.cosmos_url and settings.in_memory:
        raise SettingsError(
            "DATA_DIR=:memory: is refused with COSMOS_URL: ledger lines wait on disk while Cosmos DB is unavailable"
        )
    if settings.cosmos_container_id in OTHER_CONTAINERS:
        raise SettingsError("COSMOS_CONTAINER_ID names a container with another purpose")
    _check_issuers(settings)
    fault = fault_of_certificate(settings)
    if fault is not None:
        raise SettingsError(fault)


def _check_issuers(settings: Settings) -> None:
    if bool(settings.llmproxy_entra_tenants) != bool(settings.llmproxy_entra_audiences):
        raise SettingsError("LLMPROXY_ENTRA_TENANTS and LLMPROXY_ENTRA_AUDIENCES are set together or not at all")
    names = [name for issuer in settings.issuers for name in issuer.names]
    if settings.llmproxy_sign_in_client_id and (not names or settings.llmproxy_sign_in_issuer not in {None, *names}):
        raise SettingsError("LLMPROXY_SIGN_IN_CLIENT_ID needs an issuer whose tokens are accepted")
    if settings.llmproxy_ca_file is not None:
        try:
            ssl.create_default_context(cafile=settings.llmproxy_ca_file)
        except OSError as error:
            raise SettingsError(f"LLMPROXY_CA_FILE cannot be used: {error.strerror or 'no certificates'}") from None


def _dotenv_in_use(dotenv: Path) -> Path | None:
    chosen = os.environ.get("LLMPROXY_ENV_FILE")
    if chosen:
        if not Path(chosen).is_file():
            raise SettingsError(f"LLMPROXY_ENV_FILE={chosen} is not a file")
        return Path(chosen)
    if os.environ.get("ENVIRONMENT", "").lower() == Environment.PRODUCTION or not dotenv.is_file():
        return None
    return dotenv
