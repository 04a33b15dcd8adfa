"""Adapter of the port ``secrets``: environment variables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from application.ports.secrets import SecretVersion


class EnvironmentSecrets:
    """Secrets of environment variables, which never change.

    A name with hyphens (``SP-BRIDGE-4852-DEV``) is also found with underscores in their place, because shells cannot
    export the former.

    Args:
        environment: the variables.
    """

    interval = math.inf
    failure: str | None = None

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def get(self, name: str) -> str | None:
        """Return the value of a variable; see the port."""
        return self._environment.get(name) or self._environment.get(name.replace("-", "_")) or None

    async def refresh(self) -> bool:
        """Return false: nothing changes."""
        return False

    def versions(self) -> Sequence[SecretVersion]:
        """Return nothing: variables have no versions."""
        return ()

    async def close(self) -> None:
        """Do nothing."""
