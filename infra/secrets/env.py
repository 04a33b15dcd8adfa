"""Secrets from environment variables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping


def environment_secrets(environment: Mapping[str, str], forbidden: Collection[str]) -> Callable[[str], str | None]:
    """A look-up of secrets by the name of their environment variable.

    A name with hyphens (``SP-BRIDGE-4852-DEV``) is also found with underscores in their place, because shells cannot
    export the former.

    Args:
        environment: the variables.
        forbidden: the proxy's own settings, which no document may read. Names that begin with ``LLMPROXY_`` or
            ``COSMOS_`` never can.
    """
    closed = {name.upper() for name in forbidden}

    def look_up(name: str) -> str | None:
        for candidate in (name, name.replace("-", "_")):
            if candidate.upper().startswith(("LLMPROXY_", "COSMOS_")) or candidate.upper() in closed:
                return None
            value = environment.get(candidate)
            if value:
                return value
        return None

    return look_up
