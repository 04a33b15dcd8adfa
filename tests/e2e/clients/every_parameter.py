"""Calls every operation with every parameter set, directly and through the proxy, and compares what arrives.

``python -m tests.e2e.clients.every_parameter``, under the newest client; environment as in ``harness.py``. Prints one
JSON object: for each operation a list of what is wrong.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from operator import attrgetter
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

import openai

from tests.e2e.clients.parameter_values import OPERATIONS, STORED, Operation, Typed
from tests.e2e.clients.typed import value_of

UPSTREAM = os.environ["UPSTREAM"]
OF_THE_CLIENT = {"extra_headers", "extra_query", "extra_body", "timeout"}
"""Parameters of the methods that are not parameters of the API."""


def parameters_of(operation: Operation, call: Callable[..., Any]) -> dict[str, Any]:
    """Return name and type of every parameter, from the signature and the classes of types, which have to agree."""
    module, name = operation.types
    types = get_type_hints(getattr(import_module(f"openai.types.{module}"), name))
    if operation.path is not None:
        types = {operation.path: str} | types
    named = set(inspect.signature(call).parameters) - OF_THE_CLIENT
    assert named == set(types), f"signature and types differ: {named ^ set(types)}"
    return types


def arguments_of(operation: Operation, types: Mapping[str, Any], response_id: str) -> dict[str, Any]:
    """Make a value for every parameter."""
    missing = set(types) - set(operation.values)
    assert not missing, f"no value for {sorted(missing)}: the client has grown"
    unheard = set(operation.values) - set(types)
    assert not unheard, f"values for {sorted(unheard)}, which the client does not know"
    assert not frozenset.intersection(*operation.rounds), "a parameter is left out of every round"
    return {
        name: value_of(types[name], name) if isinstance(value, Typed) else response_id if value is STORED else value
        for name, value in operation.values.items()
    }


def arrived(call: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Call, read the answer to its end, and return what the upstream received: members and parts by name."""
    answer = call(**arguments)
    if isinstance(answer, openai.Stream):
        list(answer)
    with urllib.request.urlopen(f"{UPSTREAM}/simulator/last", timeout=10) as last:  # noqa: S310 - loopback
        seen = json.load(last)
    if "files" in seen:
        return _parts(seen)
    return seen["body"] if seen["method"] == "POST" else _gathered(parse_qsl(seen["query"], keep_blank_values=True))


def _parts(seen: Mapping[str, Any]) -> dict[str, Any]:
    files = [(part["name"], {name: value for name, value in part.items() if name != "name"}) for part in seen["files"]]
    return _gathered([*((part["name"], part["value"]) for part in seen["fields"]), *files])


def _gathered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the lists of values by name."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def differences(direct: Mapping[str, Any], relayed: Mapping[str, Any], names: set[str]) -> list[str]:
    """Return what does not arrive as it was sent."""
    plain = {name.partition("[")[0] for name in direct}
    faults = [f"{name} is not sent by the client at all" for name in names - plain]
    for name in sorted({*direct, *relayed}):
        # As texts: 1 and 1.0 and true are one and the same to Python.
        sent, came = json.dumps(direct.get(name), sort_keys=True), json.dumps(relayed.get(name), sort_keys=True)
        if sent != came:
            faults.append(f"{name}: {came[:300]} instead of {sent[:300]}")
    return faults


class Comparison:
    """Equal calls sent directly to the upstream and through the proxy."""

    def __init__(self) -> None:
        self._direct = openai.OpenAI(base_url=f"{UPSTREAM}/v1", api_key="any", max_retries=0)
        proxy_url = f"{os.environ['URL']}/v1"
        self._relayed = openai.OpenAI(base_url=proxy_url, api_key=os.environ["API_KEY"], max_retries=0)

    def faults(self, operation: Operation) -> list[str]:
        """Return the errors of an operation."""
        ways = [attrgetter(operation.method)(client) for client in (self._direct, self._relayed)]
        types = parameters_of(operation, ways[0])
        found: Counter[str] = Counter()
        for left_out in (each | operation.not_offered for each in operation.rounds):
            bodies = [
                arrived(call, {name: value for name, value in arguments.items() if name not in left_out})
                for call, arguments in zip(ways, self._arguments(operation, types), strict=True)
            ]
            names = set(types) - left_out - {operation.path}
            direct, relayed = map(self._kept_here, bodies)
            found.update(differences(direct, relayed, names))
        return list(found)

    def _arguments(self, operation: Operation, types: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Store a response directly and through the proxy, which gives it an id of its own."""
        made = ["", ""]
        if STORED in operation.values.values():
            made = [_stored_by(client) for client in (self._direct, self._relayed)]
        return [arguments_of(operation, types, response_id) for response_id in made]

    def _kept_here(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Check an id of an earlier response, which differs between calls: the upstream has to know it."""
        previous = body.get("previous_response_id")
        if previous is None:
            return dict(body)
        known = self._direct.responses.retrieve(previous).id == previous
        return {**body, "previous_response_id": known}


def _stored_by(client: openai.OpenAI) -> str:
    """Store a response that can also be streamed again, and return its id."""
    with client.responses.create(model="wire-chat", input="hi", stream=True, background=True) as stream:
        (response_id,) = {event.response.id for event in stream if event.type == "response.completed"}
    return response_id


def main() -> None:
    comparison = Comparison()
    found: dict[str, list[str]] = {}
    for path, operation in OPERATIONS.items():
        try:
            found[path] = comparison.faults(operation)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the result
            found[path] = [f"{type(error).__name__}: {error}"]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
