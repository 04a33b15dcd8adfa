"""Validators of settings."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from domain.documents import exact_json
from domain.documents.chaos import read_experiment
from domain.documents.fault import Fault
from domain.documents.limits import read_limits
from domain.documents.reader import Reader
from domain.documents.values import is_timezone
from domain.rate_limit import Limits
from infra.clients.http.origin import Origin
from infra.controllers.addresses import Networks

_HOST = re.compile(r"\*|(?:\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*|https?://[^\s/,;]+")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_OWN_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*|[0-9A-Fa-f:]*:[0-9A-Fa-f:]+")
_VARIABLE = re.compile(r"\*|[A-Za-z][\w.-]*")


def upper_case(value: Any) -> Any:
    """Return a text in capitals."""
    return value.upper() if isinstance(value, str) else value


def lower_case(value: Any) -> Any:
    """Return a text in small letters."""
    return value.lower() if isinstance(value, str) else value


def account_key(value: SecretStr) -> SecretStr:
    """Check that a key is base64.

    Raises:
        ValueError: it is not.
    """
    try:
        base64.b64decode(value.get_secret_value(), validate=True)
    except ValueError:
        raise ValueError("not the key of an account, which is base64") from None
    return value


def time_zone(value: str) -> str:
    """Check the IANA name of a time zone.

    Raises:
        ValueError: unknown.
    """
    if not is_timezone(value):
        raise ValueError("not a time zone; expected an IANA name such as Europe/Berlin")
    return value


def listed(value: str) -> list[str]:
    """Return the entries of a text with commas."""
    return [entry.strip() for entry in value.split(",") if entry.strip()]


def origin_list(value: str) -> str:
    """Check origins of web pages separated by commas.

    Raises:
        ValueError: one of them is invalid.
    """
    for origin in listed(value):
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin: expected https://app.example.com, with a port if it has one, or *"
            )
    return value


def own_host_list(value: str) -> str:
    """Check names and addresses of this server separated by commas.

    Raises:
        ValueError: one of them is invalid.
    """
    for host in listed(value):
        if not _OWN_HOST.fullmatch(host):
            raise ValueError(
                f"{host!r} is not a host: expected api.example.com, *.example.com or an address, without a port"
            )
    return value.lower()


def network_list(value: str) -> str:
    """Check addresses and networks separated by commas.

    Raises:
        ValueError: one of them is neither.
    """
    Networks.parse(value)
    return value


def host_list(value: str) -> str:
    """Check hosts separated by commas.

    Raises:
        ValueError: one of them is invalid.
    """
    for host in filter(None, (each.strip() for each in value.split(","))):
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is not a host: expected api.example.com, *.example.com or http://host:port")
    return value


def secret_host_list(value: str) -> str:
    """Check rows of the form ``NAME=host,host``, separated by semicolons.

    Raises:
        ValueError: one of them is not.
    """
    for row in filter(None, (each.strip() for each in value.split(";"))):
        name, equals, hosts = row.partition("=")
        if not equals or not _VARIABLE.fullmatch(name.strip()):
            raise ValueError(f"{row!r} is not a row: expected NAME=host,host")
        host_list(hosts)
    return value


def limits_of_json(value: Any) -> Any:
    """Read limits as documents have them.

    Raises:
        ValueError: they are not JSON, or have a fault; the first one is named.
    """
    if value is None or isinstance(value, Limits):
        return value
    faults: list[Fault] = []
    try:
        body = exact_json.decode(value)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    limits = read_limits(Reader({"limits": body}, "", faults))
    if faults:
        raise ValueError(str(faults[0]))
    return limits


def experiment_of_json(value: Any) -> Any:
    """Read an experiment with injected faults, on its own or as the member ``chaos_engineering``.

    Raises:
        ValueError: it is not JSON, or has a fault; the first one is named.
    """
    if not isinstance(value, str):
        return value
    try:
        body = json.loads(value)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if isinstance(body, dict):
        body = body.get("chaos_engineering", body)
    _, faults = read_experiment(body, 0)
    if faults and not (isinstance(body, dict) and body.get("enabled") is False):
        raise ValueError(str(faults[0]))
    return body


def web_address(value: SecretStr) -> SecretStr:
    """Check that a secret is an absolute HTTP address.

    Raises:
        ValueError: it is not. The message does not repeat it.
    """
    Origin.parse(value.get_secret_value().partition("?")[0])
    return value


def writable_file(value: Path) -> Path:
    """Check that a file can be written, or created.

    Raises:
        ValueError: it cannot.
    """
    if value.is_dir() or not os.access(value if value.exists() else value.absolute().parent, os.W_OK):
        raise ValueError("expected a file that can be written, or created in an existing folder")
    return value
