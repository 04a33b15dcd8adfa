"""Facts about a vendor: the row type of ``domain/vendors.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property
from typing import Protocol
from urllib.parse import urlsplit

from domain.operation import Endpoint, Operation


class Wire(StrEnum):
    """The adapter that sends a call, as documents (``parameters.wire``) and ``docs/vendors.md`` name it."""

    NATIVE = "native"
    """Bytes are relayed: the upstream speaks OpenAI's format."""
    LITELLM = "litellm"
    """LiteLLM translates the call."""
    SIMULATOR = "built in"
    """The built-in simulator responds."""


class Credential(Enum):
    """The credential that a document needs, as documentation states it."""

    KEY = "`secret_name` or `api_key`"
    KEY_OR_IDENTITY = "`secret_name` or `api_key` or the machine's identity"
    SERVICE_ACCOUNT_OR_IDENTITY = "`secret_name` or the machine's identity"
    BY_PROVIDER = "`secret_name` or `api_key` as the provider in the model string needs"
    OPTIONAL = ""


class NamesModel(Protocol):
    """Parameters that may name the upstream's model."""

    @property
    def model(self) -> str | None:
        """The upstream's name of the model."""

    @property
    def deployment_name(self) -> str | None:
        """The name of Azure's deployment."""


class SelectsWire(NamesModel, Protocol):
    """Parameters that may choose a wire."""

    @property
    def wire(self) -> Wire | None:
        """The wire that a document chooses."""

    @property
    def endpoint(self) -> str | None:
        """The base address of the upstream."""


@dataclass(frozen=True)
class Vendor:
    """Facts about one vendor.

    Args:
        reaches: the vendor in words, for the documentation.
        wires: the endpoints that each wire can serve. Where several wires can serve one, the first is used.
        address: base address that is called where the document names no endpoint; None if it must name one.
        credential: what a document must name to be let in.
        required: parameters without which a document is in error.
        expected: parameters without which a document gets a warning.
        named_by: parameters that name the upstream's model, the first one given wins; then the document's code.
        prefix: added to the name of a model that does not begin with it.
        omitted_prefix: removed from the name of a model, because the upstream or its adapter adds it elsewhere.
        listed: parts of LiteLLM's price list that hold this vendor's models, the closest first: ``"azure/"`` for keys
            that begin with it, ``"openai"`` for keys without a slash whose provider begins with it.
        native_hosts: ends of the hosts that the native wire is used for unless a document chooses; empty for all.
        translated: parts of names of models that the native wire cannot serve.
    """

    reaches: str
    wires: Mapping[Wire, frozenset[Endpoint]]
    address: str | None = None
    credential: Credential = Credential.KEY
    required: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    named_by: tuple[str, ...] = ("model",)
    prefix: str = ""
    omitted_prefix: str = ""
    listed: tuple[str, ...] = ()
    native_hosts: tuple[str, ...] = ()
    translated: tuple[str, ...] = ()

    @cached_property
    def endpoints(self) -> frozenset[Endpoint]:
        """Every endpoint that some wire can serve, whatever documents list."""
        return frozenset[Endpoint]().union(*self.wires.values())

    @cached_property
    def operations(self) -> frozenset[Operation]:
        """The operations that documents can offer."""
        return frozenset(endpoint.operation for endpoint in self.endpoints)

    def wire_for(self, endpoint: Endpoint, parameters: SelectsWire, code: str) -> Wire | None:
        """Return the wire that serves an endpoint of a document; None if there is none."""
        serving = [wire for wire, endpoints in self.wires.items() if endpoint in endpoints]
        if parameters.wire in serving:
            return parameters.wire
        if len(serving) > 1 and serving[0] is Wire.NATIVE and not self._native_fits(parameters, code):
            return serving[1]
        return serving[0] if serving else None

    def _native_fits(self, parameters: SelectsWire, code: str) -> bool:
        """Tell whether a document that chooses no wire has what the native one needs."""
        if not all(getattr(parameters, name) for name in self.expected):
            return False
        if any(part in self.upstream_name(parameters, code).lower() for part in self.translated):
            return False
        host = urlsplit(parameters.endpoint or "").hostname or ""
        return not self.native_hosts or host.endswith(self.native_hosts)

    def upstream_name(self, parameters: NamesModel, code: str) -> str:
        """Return the name by which the upstream knows the model of a document."""
        named = (getattr(parameters, member) for member in self.named_by)
        name: str = next((value for value in named if value), code).removeprefix(self.omitted_prefix)
        return name if name.startswith(self.prefix) else self.prefix + name
