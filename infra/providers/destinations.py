"""Hosts that secrets and tokens of the machine's identity may be sent to, whatever a document names as its endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.errors import DeploymentUnusableError, UpstreamUnreachableError
from infra.clients.http.errors import HttpError
from infra.clients.http.origin import Origin

Connect = Callable[[Origin], Awaitable[None]]
"""Opens a connection, and closes it; raises ``HttpError``."""

ANY_HOST = "*"


@dataclass(frozen=True, slots=True)
class Destinations:
    """Hosts by what may be sent to them.

    Each is ``host`` or ``*.domain``, both over https alone, or an origin such as ``http://127.0.0.1:8000``.

    Args:
        identity_hosts: hosts that get tokens of the machine's identity.
        secret_hosts: hosts by the name of an environment variable; ``*`` for variables that are not listed. Without
            such a row those may be sent anywhere.
    """

    identity_hosts: tuple[str, ...] = (ANY_HOST,)
    secret_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_settings(cls, identity_hosts: str, secret_hosts: str | None) -> Destinations:
        """Parse the settings ``LLMPROXY_IDENTITY_HOSTS`` and ``LLMPROXY_SECRET_HOSTS``."""
        rows = (row.partition("=") for row in (secret_hosts or "").split(";") if row.strip())
        bound = {_plain(name.strip()): _split(hosts) for name, _, hosts in rows}
        return cls(_split(identity_hosts), MappingProxyType(bound))

    def check_identity(self, endpoint: str) -> None:
        """Check that tokens of the machine's identity may be sent to an address.

        Raises:
            DeploymentUnusableError: they may not.
        """
        if not _is_among(endpoint, self.identity_hosts):
            raise DeploymentUnusableError(
                "parameters.endpoint is not one of LLMPROXY_IDENTITY_HOSTS, so that the machine's identity cannot be"
                " used: name a key in parameters.secret_name"
            )

    def check_secret(self, place: str, name: str, endpoint: str | None) -> None:
        """Check that the value of an environment variable may be sent to an address.

        Raises:
            DeploymentUnusableError: it may not.
        """
        hosts = self.secret_hosts.get(_plain(name), self.secret_hosts.get(ANY_HOST, (ANY_HOST,)))
        if not _is_among(endpoint, hosts):
            raise DeploymentUnusableError(
                f"{place} names the environment variable {name!r}, which LLMPROXY_SECRET_HOSTS does not"
                " allow for this endpoint"
            )


def _plain(name: str) -> str:
    return name.upper().replace("-", "_")


def _split(hosts: str) -> tuple[str, ...]:
    return tuple(host.strip().lower() for host in hosts.split(",") if host.strip())


def _is_among(endpoint: str | None, hosts: tuple[str, ...]) -> bool:
    if ANY_HOST in hosts:
        return True
    if endpoint is None:
        return False
    try:
        origin, _ = Origin.parse(endpoint)
    except ValueError:
        return False
    secure = origin.scheme == "https"
    return any(
        f"{origin.scheme}://{origin.authority}" == host
        or (secure and (origin.host == host or (host.startswith("*.") and origin.host.endswith(host[1:]))))
        for host in hosts
    )


async def reached(address: str | None, connect: Connect | None) -> bool:
    """Open a connection to an upstream; returns whether that is possible at all.

    Raises:
        DeploymentUnusableError: the address is invalid.
        UpstreamUnreachableError: the connection failed.
    """
    if address is None or connect is None:
        return False
    try:
        await connect(Origin.parse(address)[0])
    except ValueError:
        raise DeploymentUnusableError("parameters.endpoint is invalid") from None
    except HttpError as error:
        raise UpstreamUnreachableError(reason=str(error)) from None
    return True
