"""The socket that a server listens on, taken before anything else is done."""

from __future__ import annotations

import socket

import click

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address; 0 = any free port.

    Raises:
        click.ClickException: it cannot be had. The message is one line that names it.
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


def base_url(host: str, listener: socket.socket) -> str:
    """How a caller on this machine reaches the socket."""
    shown = _EVERYWHERE.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"
