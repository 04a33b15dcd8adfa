"""Settings of identities: callers with tokens of other services, and the secrets of documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from infra.identities.issuers import Issuer, entra_issuers, issuer_of, secure_address


def tenant_list(value: str) -> str:
    """Check ids of tenants separated by commas, and return them in small letters.

    Raises:
        ValueError: one of them is not a GUID.
    """
    found = listed(value.lower())
    for each in found:
        try:
            UUID(each)
        except ValueError:
            raise ValueError(f"{each!r} is not the id of a tenant, which is a GUID") from None
    return ",".join(found)


def issuers_of_json(value: Any) -> Any:
    """Read issuers as JSON.

    Raises:
        ValueError: they are not JSON, or have a fault; the first one is named.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(f"not JSON: {error}") from None
    if value is not None and not isinstance(value, list | tuple):
        raise ValueError("expected a list of issuers")
    return value and tuple(row if isinstance(row, Issuer) else issuer_of(row) for row in value)


def listed(value: str | None) -> list[str]:
    """Return the entries of a list separated by commas."""
    return [each.strip() for each in (value or "").split(",") if each.strip()]


class IdentitySettings(BaseSettings):
    """A part of the settings."""

    llmproxy_entra_tenants: Annotated[str, AfterValidator(tenant_list)] | None = Field(
        None, description="Ids of the tenants of Entra ID whose tokens callers may use, separated by commas."
    )
    llmproxy_entra_audiences: str | None = Field(
        None,
        description="Ids of the app registrations that stand for this proxy (`aud` of tokens, with or without "
        "`api://`), separated by commas.",
    )
    llmproxy_entra_authority: Annotated[str, AfterValidator(secure_address)] = Field(
        "https://login.microsoftonline.com", description="Address of Entra ID; another one for sovereign clouds."
    )
    llmproxy_oidc_issuers: Annotated[tuple[Issuer, ...] | None, NoDecode, BeforeValidator(issuers_of_json)] = Field(
        None,
        description="Other issuers, as JSON: "
        '`[{"issuer": "https://id.example.com", "audiences": ["llmproxy"], "algorithms": ["RS256"]}]`.',
    )

    llmproxy_sign_in_client_id: str | None = Field(
        None,
        description="Id of the application with which people sign in to `/admin` at an issuer; empty = keys alone.",
    )
    llmproxy_sign_in_secret: SecretStr | None = Field(
        None, description="Secret of this application; empty for a public client."
    )
    llmproxy_sign_in_issuer: str | None = Field(
        None, description="Issuer of the sign-in, one of those that are accepted; empty = the first of them."
    )
    llmproxy_secrets_dir: Path = Field(
        Path("/run/secrets"), description="Folder with a file for each secret, named like it."
    )
    llmproxy_key_vault_url: Annotated[str, Field(pattern=r"^https://[^/\s]+/?$")] | None = Field(
        None, description="Address of an Azure Key Vault with secrets that documents name; empty = none."
    )

    @property
    def issuers(self) -> list[Issuer]:
        """Every issuer whose tokens are accepted."""
        tenants = listed(self.llmproxy_entra_tenants)
        audiences = listed(self.llmproxy_entra_audiences)
        entra = entra_issuers(self.llmproxy_entra_authority.rstrip("/"), tenants, audiences)
        return [*entra, *(self.llmproxy_oidc_issuers or ())]
