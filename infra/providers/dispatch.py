"""Select the adapter for a document by its ``model_type`` and the requested endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from application.ports.providers import Answer, Provider, StoredCall, Stream
from domain.call import Call
from domain.capabilities import offered
from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, ModelType
from domain.operation import Endpoint


class Dispatch:
    """A provider that combines several, each for some endpoints of some model types.

    Args:
        adapters: the endpoints that each adapter serves, by model type. The first adapter of a type also knows the
            upstream's name for a model. Documents of a type without an adapter are unusable.
    """

    def __init__(self, adapters: Iterable[tuple[Provider, Mapping[ModelType, Iterable[Endpoint]]]]) -> None:
        self._by_type: dict[ModelType, dict[Endpoint, Provider]] = {}
        for adapter, served in adapters:
            for model_type, endpoints in served.items():
                by_endpoint = self._by_type.setdefault(model_type, {})
                for endpoint in endpoints:
                    by_endpoint.setdefault(endpoint, adapter)

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """See the port."""
        return await self._of(document, call.endpoint).answer(call, document)

    async def stream(self, call: Call, document: ModelDocument) -> Stream:
        """See the port."""
        return await self._of(document, call.endpoint).stream(call, document)

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """See the port."""
        return await self._of(document, Endpoint.RESPONSES).stored(call, document)

    def upstream_model(self, document: ModelDocument) -> str:
        """See the port."""
        return self._first(document).upstream_model(document)

    def unusable_because(self, document: ModelDocument) -> str | None:
        """See the port."""
        if not offered(document):
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
        """Return the package of the adapter that serves the document, for operators; None if there is none."""
        if document.model_type not in self._by_type:
            return None
        return _adapter(self._first(document))

    def adapter_names(self, model_type: ModelType) -> Mapping[Endpoint, str]:
        """Return the package of the adapter for each endpoint of a model type, for the documentation."""
        served = self._by_type.get(model_type, {})
        return {name: _adapter(each) for name, each in served.items()}

    def _all(self, document: ModelDocument) -> list[Provider]:
        served = self._by_type.get(document.model_type, {})
        return list(dict.fromkeys(served[endpoint] for endpoint in offered(document) if endpoint in served))

    def _first(self, document: ModelDocument) -> Provider:
        served = self._by_type.get(document.model_type)
        if not served:
            raise DeploymentUnusableError(f"no adapter serves model_type {document.model_type}")
        return next(iter(served.values()))

    def _of(self, document: ModelDocument, endpoint: Endpoint) -> Provider:
        adapter = self._by_type.get(document.model_type, {}).get(endpoint)
        if adapter is None:
            raise DeploymentUnusableError(f"no adapter serves {endpoint} of model_type {document.model_type}")
        return adapter


def _adapter(provider: Provider) -> str:
    return type(provider).__module__.split(".")[2]  # infra.providers.NAME
