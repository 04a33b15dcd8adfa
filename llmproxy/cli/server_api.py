"""Access of commands to the paths for operators of a running server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

import click

from llmproxy.cli.running import settings_or_fail

F = TypeVar("F", bound=Callable[..., object])

_SECONDS = 30


def url_option(command: F) -> F:
    """Add ``--url``."""
    text = "Address of the server.  [default: HOST and PORT of the settings]"
    return click.option("--url", metavar="URL", help=text)(command)


class ServerApi:
    """A running server, called with the administrator's key of the settings.

    Args:
        url: its address; None for that of the settings.

    Raises:
        click.ClickException: there is no key, or the address is invalid.
    """

    def __init__(self, url: str | None) -> None:
        settings = settings_or_fail()
        if settings.llmproxy_admin_key is None:
            raise click.ClickException("LLMPROXY_ADMIN_KEY is not set: the server must have it, and this command, too")
        self._key = settings.llmproxy_admin_key.get_secret_value()
        self._url = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
        if not self._url.startswith(("http://", "https://")):
            raise click.ClickException(f"{self._url} is not an address: expected http://host:port")

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            click.ClickException: it was refused, or the server cannot be reached.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            message = _message(error.read()) or f"status {error.code}"
            raise click.ClickException(f"{self._url}: {message}") from None
        except OSError as error:
            raise click.ClickException(f"{self._url} cannot be reached: {error}") from None


def _message(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return None
