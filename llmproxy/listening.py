"""The listening socket of a server, bound before anything else starts."""

from __future__ import annotations

import socket

import click

_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket to the address; port 0 picks a free one.

    Raises:
        click.ClickException: the address is not available. The message is one line that names it.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
    listener.set_inheritable(True)  # worker processes share it
    return listener


def base_url(host: str, listener: socket.socket, *, tls: bool = False) -> str:
    """Return the URL of the socket for callers on this machine."""
    shown = _ANY_ADDRESS.get(host, host)
    return f"{'https' if tls else 'http'}://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"
