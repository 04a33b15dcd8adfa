"""Azure Key Vault through its SDK, an extra that is imported where a vault is configured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.clients.azure_identity import default_credential

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential
    from azure.keyvault.secrets.aio import SecretClient

_DEADLINE = 20.0  # seconds for one secret, the token of the identity included


class VaultError(Exception):
    """The vault is unavailable, or refuses. The message names the kind of error, no value and no address."""


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """A secret of the vault.

    Args:
        value: the secret.
        version: its version in the vault.
        changed_at: POSIX seconds of its last change; None if unknown.
    """

    value: str = field(repr=False)
    version: str
    changed_at: float | None


class KeyVault:
    """Reads secrets with the machine's identity.

    Args:
        url: of the vault.
        ca_file: certificate authorities to trust in place of the system's.
    """

    def __init__(self, url: str, ca_file: str | None = None) -> None:
        self._url = url
        self._ca_file = ca_file
        self._opening = asyncio.Lock()
        self._client: SecretClient | None = None
        self._credential: DefaultAzureCredential | None = None

    async def read(self, name: str) -> VaultSecret | None:
        """Return the newest version of a secret; None if there is none of this name.

        Raises:
            VaultError: it cannot be read now.
        """
        try:
            async with asyncio.timeout(_DEADLINE):
                client = await self._open()
                from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415 - an extra

                try:
                    found = await client.get_secret(name)
                except ResourceNotFoundError:
                    return None
                except (AzureError, OSError, ValueError) as error:
                    status = getattr(error, "status_code", None)
                    raise VaultError(f"{type(error).__name__}{f' {status}' if status else ''}") from None
        except ImportError:
            raise VaultError("azure-keyvault-secrets is not installed: pip install 'llmproxy[keyvault]'") from None
        except TimeoutError:
            raise VaultError("TimeoutError") from None
        properties = found.properties
        changed = properties.updated_on
        return VaultSecret(
            found.value or "", properties.version or "", None if changed is None else changed.timestamp()
        )

    async def close(self) -> None:
        """Close the connections. Safe to repeat."""
        client, self._client = self._client, None
        credential, self._credential = self._credential, None
        if client is not None:
            await client.close()
        if credential is not None:
            await credential.close()

    async def _open(self) -> SecretClient:
        async with self._opening:
            if self._client is None:
                made, self._credential = await asyncio.to_thread(self._make)
                self._client = made
            return self._client

    def _make(self) -> tuple[SecretClient, DefaultAzureCredential]:
        from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415 - an extra, and slow to import

        credential = default_credential()
        trust = {} if self._ca_file is None else {"connection_verify": self._ca_file}
        return SecretClient(self._url, credential, retry_total=2, **trust), credential
