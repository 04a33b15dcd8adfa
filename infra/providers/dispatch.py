"""From a document's ``model_type`` to the adapter that calls it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from application.ports.providers import Answer, Provider, Stream
from domain.call import Call
from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, ModelType


class Dispatch:
    """A provider made of several, each for some model types.

    Args:
        adapters: which adapter calls which types. A type that none of them calls makes a document unusable.
    """

    def __init__(self, adapters: Iterable[tuple[Provider, Iterable[ModelType]]]) -> None:
        self._by_type: Mapping[ModelType, Provider] = {
            model_type: adapter for adapter, model_types in adapters for model_type in model_types
        }

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """See the port."""
        return await self._of(document).answer(call, document)

    async def stream(self, call: Call, document: ModelDocument) -> Stream:
        """See the port."""
        return await self._of(document).stream(call, document)

    def upstream_model(self, document: ModelDocument) -> str:
        """See the port."""
        return self._of(document).upstream_model(document)

    def unusable_because(self, document: ModelDocument) -> str | None:
        """See the port."""
        try:
            return self._of(document).unusable_because(document)
        except DeploymentUnusableError as error:
            return error.reason

    def adapter_name(self, document: ModelDocument) -> str | None:
        """The package of the adapter that calls the document, for operators; ``None`` = no adapter does."""
        adapter = self._by_type.get(document.model_type)
        return None if adapter is None else type(adapter).__module__.rpartition(".")[0].rpartition(".")[2]

    def _of(self, document: ModelDocument) -> Provider:
        adapter = self._by_type.get(document.model_type)
        if adapter is None:
            raise DeploymentUnusableError(f"no adapter calls model_type {document.model_type}")
        return adapter
