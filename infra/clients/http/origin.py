"""Origins of requests: scheme, host and port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """A server as a URL names it.

    Args:
        scheme: ``http`` or ``https``.
        host: lower-case name or address; an IPv6 address without its brackets.
        port: TCP port.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> tuple[Self, str]:
        """Split a base URL into its origin and its path without the last slash.

        Raises:
            ValueError: not an absolute HTTP URL, or with a user, a query or a fragment. The message does not
                repeat the URL.
        """
        if any(ord(character) <= 0x20 or ord(character) >= 0x7F for character in url):  # noqa: PLR2004 - ASCII's edges
            raise ValueError("a URL must be ASCII without blanks or control characters")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("not a URL") from None
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise ValueError("a URL must begin with http:// or https://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a URL must not contain a user or password")
        if not parts.hostname or "%" in parts.hostname or "\\" in parts.netloc:
            raise ValueError("a URL must name a host")
        if "?" in url or "#" in url:
            raise ValueError("a base URL must not have a query or fragment")
        if port == 0:
            raise ValueError("port 0 is not valid")
        return cls(scheme, parts.hostname, port or DEFAULT_PORTS[scheme]), parts.path.rstrip("/")

    @property
    def authority(self) -> str:
        """Value of the ``Host`` header: the port is included only if it is not the scheme's default."""
        host = bracketed(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def bracketed(host: str) -> str:
    """Format the host for URLs and headers: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host
