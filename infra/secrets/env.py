"""Secrets from environment variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.reserved_env_vars import is_own_setting


def environment_secrets(environment: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a look-up of secrets by environment variable. The proxy's own settings are never found.

    A name with hyphens (``SP-BRIDGE-4852-DEV``) is also found with underscores in their place, because shells cannot
    export the former.
    """

    def look_up(name: str) -> str | None:
        if is_own_setting(name):
            return None
        return environment.get(name) or environment.get(name.replace("-", "_")) or None

    return look_up
