"""Settings of limits, budgets and their alerts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from domain.rate_limit import Limits
from llmproxy.setting_values import limits_of_json, web_address


class LimitSettings(BaseSettings):
    """A part of the settings."""

    llmproxy_limits: Annotated[Limits | None, NoDecode, BeforeValidator(limits_of_json)] = Field(
        None, description='Limits of every project, as JSON: `{"rpm": 600, "tpm": 100000}`.'
    )
    llmproxy_budget_exposure: Decimal = Field(
        Decimal("0.02"),
        ge=0,
        le=1,
        description="Share of a hard budget that all processes together may spend while the stores are unavailable.",
    )
    llmproxy_alert_webhook: Annotated[SecretStr, AfterValidator(web_address)] | None = Field(
        None, description="Address that alerts about budgets are sent to; empty = they are only logged."
    )
    llmproxy_alert_secret: Annotated[SecretStr, Field(min_length=16)] | None = Field(
        None, description="Key of the signature of alerts, in `x-llmproxy-signature`; empty = they are not signed."
    )
