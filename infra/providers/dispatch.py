"""Select the adapter for a document by its ``model_type`` and the requested endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from application.ports.providers import Answer, Provider, StoredCall, Stream
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.vendor import Wire
from domain.vendors import VENDORS

_REMEMBERED = 4096  # documents whose adapters are remembered


class Dispatch:
    """A provider that combines several, each for the endpoints of a document that belong to its wire.

    Args:
        adapters: the adapter of each wire. The adapter of a document's first endpoint also knows the upstream's name
            for its model.
    """

    def __init__(self, adapters: Mapping[Wire, Provider]) -> None:
        self._adapters = adapters
        self._find = lru_cache(_REMEMBERED * len(Endpoint))(self._select)
        self._first = lru_cache(_REMEMBERED)(self._select_first)

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        """See the port."""
        return await self._of(document, call.endpoint).answer(call, document, attempt)

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Stream:
        """See the port."""
        return await self._of(document, call.endpoint).stream(call, document, attempt)

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """See the port."""
        return await self._of(document, Endpoint.RESPONSES).stored(call, document)

    async def resume(self, call: StoredCall, document: ModelDocument) -> Stream:
        """See the port."""
        return await self._of(document, Endpoint.RESPONSES).resume(call, document)

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:
        """See the port."""
        return await self._first(document).check(document, connect_only=connect_only)

    def upstream_model(self, document: ModelDocument) -> str:
        """See the port."""
        return self._first(document).upstream_model(document)

    def unusable_because(self, document: ModelDocument) -> str | None:
        """See the port."""
        if not document.endpoints:
            return f"{document.model_type} supports none of the operations that the document lists"
        try:
            adapters = self._all(document) or [self._first(document)]
        except DeploymentUnusableError as error:
            return error.reason
        return next((reason for each in adapters if (reason := each.unusable_because(document)) is not None), None)

    def calls(self, adapter: Provider, document: ModelDocument) -> bool:
        """Tell whether an adapter serves any endpoint of the document."""
        return adapter in self._all(document)

    def adapter_name(self, document: ModelDocument) -> str | None:
        """Return the package of the adapter that serves the document, for operators; None if absent."""
        try:
            return _adapter(self._first(document))
        except DeploymentUnusableError:
            return None

    def _all(self, document: ModelDocument) -> list[Provider]:
        served = (self._find(document, endpoint) for endpoint in document.endpoints)
        return list(dict.fromkeys(adapter for adapter in served if adapter is not None))

    def _select_first(self, document: ModelDocument) -> Provider:
        for endpoint in Endpoint:
            adapter = self._find(document, endpoint)
            if adapter is not None:
                return adapter
        raise DeploymentUnusableError(f"no adapter serves model_type {document.model_type}")

    def _select(self, document: ModelDocument, endpoint: Endpoint) -> Provider | None:
        wire = VENDORS[document.model_type].wire_for(endpoint, document.parameters, document.code)
        return None if wire is None else self._adapters.get(wire)

    def _of(self, document: ModelDocument, endpoint: Endpoint) -> Provider:
        adapter = self._find(document, endpoint)
        if adapter is None:
            raise DeploymentUnusableError(f"no adapter serves {endpoint} of model_type {document.model_type}")
        return adapter


def _adapter(provider: Provider) -> str:
    return type(provider).__module__.split(".")[2]  # infra.providers.NAME
