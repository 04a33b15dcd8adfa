"""Wait until running servers follow a change of the store."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

import click

from llmproxy.settings import Settings

_SLOWEST = 1.25
"""Share of LLMPROXY_REFRESH_INTERVAL after which the slowest server has asked the store again."""
_AGREEING = 3
"""Answers in a row that must have followed: worker processes on one port answer in turn."""
_PAUSE_SECONDS = 0.2
_SECONDS = 60.0
_REQUEST_SECONDS = 5.0


def follows_within(settings: Settings) -> float:
    """Return the seconds in which every running server with these settings follows a change."""
    return round(_SLOWEST * settings.llmproxy_refresh_interval, 1)


def wait_until_followed(settings: Settings, url: str | None, written: float) -> str:
    """Wait until a running server has asked the store after a change, and return its address.

    Args:
        settings: with the interval of the servers.
        url: address of a server; None for that of the settings.
        written: when the change was written, by ``time.monotonic()``.

    Raises:
        click.ClickException: the server cannot be reached, or does not follow.
    """
    address = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise click.ClickException(f"{address} is not an address: expected http://host:port")
    least = 0.75 * settings.llmproxy_refresh_interval  # a look that took that long may have begun before the change
    agreeing = 0
    while agreeing < _AGREEING:
        if time.monotonic() - written > _SECONDS + follows_within(settings):
            raise click.ClickException(f"the change is written, but {address} has not followed it")
        asked = time.monotonic()
        age = _checked_seconds_ago(address)
        followed = age is not None and asked - age - written > least
        agreeing = agreeing + 1 if followed else 0
        time.sleep(_PAUSE_SECONDS)
    return address


def _checked_seconds_ago(address: str) -> float | None:
    """Return how long ago the server asked the store; None before the first time."""
    try:
        catalogue = _request(address)["catalogue"]
    except urllib.error.HTTPError as error:
        raise click.ClickException(f"the change is written, but {address} answers with status {error.code}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"the change is written, but no server was asked: {address}: {error}"
        raise click.ClickException(reason) from None
    age = catalogue.get("checked_seconds_ago")
    return float(age) if isinstance(age, int | float) else None


def _request(address: str) -> dict[str, Any]:
    page = f"{address}/health?detailed=true"
    with urllib.request.urlopen(page, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 - the caller checked the scheme
        found: dict[str, Any] = json.load(answer)
        return found
