"""Checks of where requests are addressed to.

A server without keys serves only requests addressed to this machine. A page in a browser there can send requests to a
loopback address. Its ``Origin`` gives it away, its ``Host`` after DNS rebinding, and ``text/plain`` is how
it would send JSON without asking first (CORS).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from domain.errors import InvalidRequestError
from infra.controllers.addresses import is_loopback

_PROBES = frozenset({"/health", "/health/"})


def check_local(scope: Mapping[str, Any]) -> None:
    """Check the head of a request.

    Raises:
        InvalidRequestError: it is addressed to another host, comes from another site, or has a type that pages can
            send without asking.
    """
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == b"host" and not _is_local(f"//{value.decode('latin-1')}"):
            raise InvalidRequestError("With AUTH=off, the Host header must name this machine.", code="host_not_allowed")
        if name == b"origin" and not _is_local(value.decode("latin-1")):
            raise InvalidRequestError(
                "With AUTH=off, requests from web pages of other hosts are refused.", code="origin_not_allowed"
            )
        if name == b"content-type" and value.partition(b";")[0].strip().lower() == b"text/plain":
            raise InvalidRequestError(
                "With AUTH=off, the Content-Type must not be text/plain; expected application/json.",
                code="content_type_not_allowed",
            )


class HostCheck:
    """Checks that requests are addressed to hosts of ours, which DNS rebinding and stray requests are not.

    Args:
        hosts: names without a port, ``*.example.com`` for all below one; addresses.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(hosts)

    def __call__(self, scope: Mapping[str, Any]) -> None:
        """Check the head of a request; probes of load balancers name an address of ours, and pass.

        Raises:
            InvalidRequestError: it is addressed to another host, or to none.
        """
        if scope["path"] in _PROBES:
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        try:
            host = urlsplit(f"//{given}").hostname or ""
        except ValueError:
            host = ""
        parents = host.split(".")[1:]
        names = {host, *("*." + ".".join(parents[depth:]) for depth in range(len(parents)))}
        if not names & self._hosts:
            raise InvalidRequestError(
                "The Host header names a host that this server does not serve.", code="host_not_allowed"
            )


def _is_local(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)
