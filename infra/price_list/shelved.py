"""Finds the key in LiteLLM's price list that a model document means."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.model import ModelDocument
from infra.price_list.names import Shelf, names, plain, shelves, without_our_words

SIZED = re.compile(r"(?P<vendor>azure/)?(?:(?P<quality>[a-z]+)/)?(?P<width>\d+)-x-(?P<height>\d+)/(?P<name>[^/]+)")
"""Keys of entries that are the price of one size of images of another entry."""


class Shelved:
    """The keys of the list, where to look for them.

    Args:
        providers: each key with its ``litellm_provider``.
    """

    def __init__(self, providers: Mapping[str, str]) -> None:
        self._providers = providers
        self._shelves: dict[Shelf, tuple[dict[str, str], dict[str, str]]] = {}

    def exact(self, document: ModelDocument) -> str | None:
        """The key that has the exact name of a document's model."""
        return self._first(document, names(document), 0)

    def nearest(self, document: ModelDocument) -> str | None:
        """The key with the same name but for dates and additions of our own."""
        called = names(document)
        return self._first(
            document, [looser for name in called for looser in (plain(name), plain(without_our_words(name)))], 1
        )

    def _first(self, document: ModelDocument, wanted: list[str], which: int) -> str | None:
        places = shelves(document)
        found = (self._on(shelf)[which].get(name) for name in wanted for shelf in places)
        return next((key for key in found if key is not None), None)

    def _on(self, shelf: Shelf) -> tuple[dict[str, str], dict[str, str]]:
        """The keys of a shelf by their names, and by their plain names: of several the shortest, then the latest."""
        if shelf not in self._shelves:
            keys = sorted(key for key, provider in self._providers.items() if _stands_on(shelf, key, provider))
            keys.sort(key=len, reverse=True)
            full = {key[len(shelf.prefix) :].lower(): key for key in keys}
            # Vertex AI's versions stand behind an @; without one Vertex takes the version that is current.
            by_name = {name.partition("@")[0]: key for name, key in full.items()} | full
            by_plain = {plain(key): key for key in keys}
            self._shelves[shelf] = by_name, by_plain
        return self._shelves[shelf]


def _stands_on(shelf: Shelf, key: str, provider: str) -> bool:
    here = key.lower().startswith(shelf.prefix) if shelf.prefix else "/" not in key
    return here and not SIZED.fullmatch(key) and provider.startswith(shelf.provider)
