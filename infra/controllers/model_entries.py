"""Entries of ``/v1/models`` as JSON, each encoded once per catalogue: a list may have 10,000 of them."""

from __future__ import annotations

from typing import Any

import msgspec

from application.use_cases.list_models import Known, ListedModel, deployments_of, listed, visible_models
from domain.catalog import Catalog
from domain.model import ModelDocument

_CREATED = 1_735_689_600
"""2025-01-01 UTC. Documents have no date of their own, and clients expect a stable one."""

Made = dict[tuple[str, tuple[ModelDocument, ...]], bytes]


class ModelEntries:
    """Encoded entries; call it in a thread, as the first list of a large catalogue is slow.

    Args:
        known: sizes of models whose documents do not state them.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._latest: tuple[Catalog, Made] = (Catalog(), {})

    def all(self, catalog: Catalog, project_id: str) -> bytes:
        """Encode the list of a project."""
        made = self._made_for(catalog)
        entries = (self._entry(made, name, documents) for name, documents in visible_models(catalog, project_id))
        return b'{"object":"list","data":[%b]}' % b",".join(filter(None, entries))

    def one(self, catalog: Catalog, project_id: str, name: str) -> bytes:
        """Encode one entry.

        Raises:
            ModelNotFoundError: a call to this model would be refused, too.
        """
        return self._entry(self._made_for(catalog), name, deployments_of(catalog, project_id, name))

    def _made_for(self, catalog: Catalog) -> Made:
        latest, made = self._latest
        if latest is not catalog:
            made = {}
            self._latest = catalog, made
        return made

    def _entry(self, made: Made, name: str, documents: tuple[ModelDocument, ...]) -> bytes:
        entry = made.get((name, documents))
        if entry is None:
            model = listed(name, documents, self._known)
            entry = made[name, documents] = b"" if model is None else msgspec.json.encode(_entry(model))
        return entry


def _entry(model: ListedModel) -> dict[str, Any]:
    sizes = {"context_window": model.sizes.context_window, "max_output_tokens": model.sizes.max_output_tokens}
    return {
        "id": model.id,
        "object": "model",
        "created": _CREATED,
        "owned_by": model.owned_by,
        "name": model.name,
        "operations": model.operations,
        "endpoints": [f"/v1/{endpoint}" for endpoint in model.endpoints],
        **{name: size for name, size in sizes.items() if size is not None},
        **({"prices": model.prices} if model.prices else {}),
    }
