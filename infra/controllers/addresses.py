"""Network addresses of callers: directly connected, or reported by trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of addresses.

    Args:
        networks: that contain them.
    """

    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse addresses and networks separated by commas or blanks.

        Raises:
            ValueError: an entry is neither; the message repeats it.
        """
        return cls(tuple(ipaddress.ip_network(entry, strict=False) for entry in text.replace(",", " ").split()))

    def __contains__(self, address: str) -> bool:
        if not self.networks:
            return False
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self.networks)


def is_loopback(host: str) -> bool:
    """Tell if a host name or address is this machine's own."""
    parsed = _parsed(host)
    return host.lower() == "localhost" if parsed is None else parsed.is_loopback


def caller_address(scope: Mapping[str, Any], trusted: Networks) -> str | None:
    """Find the address of a caller; ``X-Forwarded-For`` counts only if a trusted proxy sent it.

    Each trusted proxy appends the address that connected to it, so the last untrusted entry is the caller.
    """
    client = scope.get("client")
    if client is None:
        return None
    address: str = client[0]
    if address in trusted:
        for entry in reversed(list(_forwarded(scope["headers"]))):
            if _parsed(entry) is None:
                break
            address = entry
            if entry not in trusted:
                break
    return address


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[str]:
    for name, value in headers:
        if name == b"x-forwarded-for":
            yield from (entry.strip() for entry in value.decode("latin-1").split(","))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
