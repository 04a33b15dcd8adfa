"""Shared by the checks: a client for each setup of the proxy, and the report of their results.

Environment: ``URL`` of the server, ``API_KEY``, and ``UPSTREAM``, the simulator behind the models whose names begin
with ``wire-``, which returns the last request. Those that begin with ``sim-`` are simulated inside the proxy.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import traceback
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import openai

API_VERSION = "2025-04-01-preview"


class LacksError(Exception):
    """This version of the client lacks a feature; the message names it."""


@dataclass(frozen=True)
class ClientSetup:
    """A client of one class for one family of models.

    Args:
        name: of the class, and where it calls.
        family: what the names of the models begin with: ``sim`` or ``wire``.
        client: to call with.
        another: makes a client of the same class with another key.
        asynchronous: makes its asynchronous twin.
        upstream: base URL of the simulator behind the models; None if they are simulated inside the proxy.
    """

    name: str
    family: str
    client: Any
    another: Callable[[str], Any]
    asynchronous: Callable[[], Any]
    upstream: str | None

    def model(self, kind: str = "chat") -> str:
        """Return the name of the model for an operation."""
        return f"{self.family}-{kind}"

    def seen(self) -> dict[str, Any]:
        """Return the last request as the upstream received it."""
        with urllib.request.urlopen(f"{self.upstream}/simulator/last", timeout=10) as answer:  # noqa: S310 - loopback
            last: dict[str, Any] = json.load(answer)
            return last


Check = Callable[[ClientSetup], None]


def setups() -> list[ClientSetup]:
    """Return every class of client and every path, and both families of models through the first."""
    url, key, upstream = os.environ["URL"], os.environ["API_KEY"], os.environ["UPSTREAM"]
    azure = {"azure_endpoint": url, "api_version": API_VERSION}
    plain, beneath = {"base_url": f"{url}/v1"}, {"base_url": f"{url}/openai/v1"}
    return [
        _door("OpenAI", "sim", openai.OpenAI, openai.AsyncOpenAI, plain, key, None),
        _door("OpenAI", "wire", openai.OpenAI, openai.AsyncOpenAI, plain, key, upstream),
        _door("AzureOpenAI", "wire", openai.AzureOpenAI, openai.AsyncAzureOpenAI, azure, key, upstream),
        _door("OpenAI at /openai/v1", "wire", openai.OpenAI, openai.AsyncOpenAI, beneath, key, upstream),
    ]


def _door(
    name: str, family: str, kind: Any, twin: Any, where: dict[str, str], key: str, upstream: str | None
) -> ClientSetup:
    options: dict[str, Any] = {**where, "max_retries": 0, "timeout": 30}
    return ClientSetup(
        name,
        family,
        kind(api_key=key, **options),
        lambda other: kind(api_key=other, **options),
        lambda: twin(api_key=key, **options),
        upstream,
    )


def needs(method: Callable[..., Any], *parameters: str) -> None:
    """Require parameters of the client's method.

    Raises:
        LacksError: it does not know one of them.
    """
    absent = [name for name in parameters if name not in inspect.signature(method).parameters]
    if absent:
        raise LacksError(f"no parameter {', '.join(absent)}")


def refused(kind: type[openai.APIError], call: Callable[..., Any], **arguments: Any) -> Any:
    """Call, read the answer to its end, and return the exception, which has to be of exactly this class."""
    try:
        answer = call(**arguments)
        if arguments.get("stream"):
            # Closed at once: a stream that is left to the garbage collector can lock the pool of older clients.
            with answer:
                list(answer)
    except openai.APIError as error:
        raised = error
    else:
        raise AssertionError(f"no {kind.__name__} was raised")
    assert type(raised) is kind, f"{type(raised).__name__}: {raised}"
    return raised


def order(**orders: Any) -> dict[str, Any]:
    """Inject faults into the simulator."""
    return {"extra_body": {"simulator": orders}}


def order_in_form(**orders: Any) -> dict[str, Any]:
    """Inject faults in a form, whose fields are text."""
    return {"extra_body": {"simulator": json.dumps(orders)}}


def run(operations: Iterable[ModuleType]) -> list[dict[str, Any]]:
    """Run every ``check_`` of these modules through every setup.

    Returns:
        One report a setup: its name, its family of models, and for each check what went wrong (``fault``), or what the
        client lacks (``lacks``), or neither.
    """
    checks = {
        f"{_operation(module)}: {_feature(name)}": each for module in operations for name, each in _checks(module)
    }
    return [
        {
            "setup": setup.name,
            "family": setup.family,
            "checks": {name: _result(check, setup) for name, check in checks.items()},
        }
        for setup in setups()
    ]


def _checks(module: ModuleType) -> list[tuple[str, Check]]:
    return [(name, value) for name, value in vars(module).items() if name.startswith("check_")]


def _operation(module: ModuleType) -> str:
    return str(vars(module)["OPERATION"])


def _feature(name: str) -> str:
    return re.sub("_+", " ", name.removeprefix("check_"))


def _result(check: Check, setup: ClientSetup) -> dict[str, str]:
    try:
        check(setup)
    except LacksError as lacks:
        return {"lacks": str(lacks)}
    except Exception:  # noqa: BLE001 - whatever a client raises is the result
        return {"fault": traceback.format_exc(limit=-3)}
    return {}
