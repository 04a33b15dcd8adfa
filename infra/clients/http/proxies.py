"""Choice of the forward proxy between us and an origin."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote_to_bytes, urlsplit

from infra.clients.http.origin import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy server.

    Args:
        origin: its address; ``https`` means TLS to the proxy itself.
        authorization: value of ``Proxy-Authorization``, None if it needs none.
    """

    origin: Origin = field(repr=False)
    authorization: bytes | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse the URL of a proxy, with or without ``user:password@`` and scheme.

        Raises:
            ValueError: not such a URL. The message does not repeat it.
        """
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            credentials, _, address = parts.netloc.rpartition("@")
            origin, _ = Origin.parse(f"{parts.scheme}://{address}")
        except ValueError:
            raise ValueError("not the URL of an HTTP proxy") from None
        if not credentials:
            return cls(origin)
        user, _, password = credentials.partition(":")
        pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        return cls(origin, b"Basic " + b64encode(pair))


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies to use.

    Args:
        http: for ``http`` origins.
        https: for ``https`` origins.
        exempt: hosts to connect to directly, as in ``NO_PROXY``: names (including subdomains), addresses,
            networks, each with or without a port; ``*`` for all.
    """

    http: Proxy | None = None
    https: Proxy | None = None
    exempt: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``; lower case wins, as in curl.

        Raises:
            ValueError: one of them is not the URL of a proxy; the message names the variable.
        """

        def proxy(*names: str) -> Proxy | None:
            for name in names:
                value = (environ.get(name.lower()) or environ.get(name) or "").strip()
                if value:
                    try:
                        return Proxy.parse(value)
                    except ValueError as error:
                        raise ValueError(f"{name}: {error}") from None
            return None

        exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        return cls(
            proxy("HTTP_PROXY", "ALL_PROXY"),
            proxy("HTTPS_PROXY", "ALL_PROXY"),
            tuple(rule for rule in exempt.lower().replace(",", " ").split() if rule),
        )

    def for_origin(self, origin: Origin) -> Proxy | None:
        """Choose the proxy for an origin, None to connect directly."""
        proxy = self.https if origin.scheme == "https" else self.http
        if proxy is None or any(_covers(rule, origin) for rule in self.exempt):
            return None
        return proxy


def _covers(rule: str, origin: Origin) -> bool:
    if rule == "*":
        return True
    try:
        network = ipaddress.ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        name, _, port = rule.rpartition(":") if rule.rpartition(":")[2].isdigit() else (rule, "", "")
        if port and int(port) != origin.port:
            return False
        name = name.strip("[]").removeprefix("*").lstrip(".")
        host = origin.host.rstrip(".")
        return bool(name) and (host == name or host.endswith("." + name))
    try:
        return ipaddress.ip_address(origin.host) in network
    except ValueError:
        return False
