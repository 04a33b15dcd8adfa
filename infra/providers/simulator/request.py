"""From a call of the gateway to the members that an operation reads."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.model import ModelDocument
from infra.providers.simulator.checks import wrong
from infra.providers.simulator.uploads import members_of


def upstream_model(document: ModelDocument) -> str:
    """The model named in the document's parameters, else its code."""
    return document.parameters.model or document.code


def read_request(call: Call, document: ModelDocument) -> dict[str, Any]:
    """The members of a call's body, with the document's defaults where the caller says nothing.

    Raises:
        SimulatedError: 400, a member cannot be decoded.
    """
    sent = _decoded(call) if call.form is None else members_of(call.form)
    defaults = document.parameters.defaults
    body = {name: value for name, value in defaults.items() if OTHER_NAME.get(name) not in sent}
    return {**body, **sent, "model": upstream_model(document)}


def _decoded(call: Call) -> dict[str, Any]:
    decoded: dict[str, Any] = {}
    for name, raw in call.fields.items():
        try:
            decoded[name] = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise wrong(f"Invalid value for '{name}'.", name) from None
    return decoded
