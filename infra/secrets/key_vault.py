"""Adapter of the port ``secrets``: Azure Key Vault, followed in the background."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from application.ports.secrets import SecretVersion
from infra.clients.key_vault import KeyVault, VaultError, VaultSecret

_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_MOST_NAMES = 1_000
_AT_ONCE = 8


class KeyVaultSecrets:
    """Secrets of a vault by their names with hyphens in place of underscores, which the vault does not allow.

    Args:
        vault: the vault.
    """

    interval = 300.0

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault
        self._known: dict[str, VaultSecret | None] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self.failure: str | None = None

    def get(self, name: str) -> str | None:
        """Return a secret that has been read; see the port."""
        name = name.replace("_", "-").lower()
        if name not in self._known and len(self._known) < _MOST_NAMES and _NAME.fullmatch(name):
            self._known[name] = None
        found = self._known.get(name)
        return None if found is None else found.value or None

    async def refresh(self) -> bool:
        """Read every secret that was asked for; see the port."""
        self.failure = None
        return any(await asyncio.gather(*(self._refresh(name) for name in list(self._known))))

    def versions(self) -> Sequence[SecretVersion]:
        """Return the secrets that were read; see the port."""
        return [
            SecretVersion(name, "key vault", found.version, found.changed_at)
            for name, found in sorted(self._known.items())
            if found is not None
        ]

    async def close(self) -> None:
        """Close the vault's connections. Safe to repeat."""
        await self._vault.close()

    async def _refresh(self, name: str) -> bool:
        async with self._turns:
            try:
                found = await self._vault.read(name)
            except VaultError as error:
                self.failure = f"the key vault is unavailable: {error}"
                return False
        before, self._known[name] = self._known[name], found
        return (before and before.value) != (found and found.value)
