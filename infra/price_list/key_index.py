"""Index of the keys of LiteLLM's price list that finds the one for a model document."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.model import ModelDocument
from infra.price_list.names import KeyGroup, candidate_names, key_groups, normalized, without_operator_words

SIZED = re.compile(r"(?P<vendor>azure/)?(?:(?P<quality>[a-z]+)/)?(?P<width>\d+)-x-(?P<height>\d+)/(?P<name>[^/]+)")
"""Keys of entries with the price of one image size of another entry."""


class KeyIndex:
    """Keys of the list by group and name.

    Args:
        providers: each key with its ``litellm_provider``.
    """

    def __init__(self, providers: Mapping[str, str]) -> None:
        self._providers = providers
        self._groups: dict[KeyGroup, tuple[dict[str, str], dict[str, str]]] = {}

    def exact(self, document: ModelDocument) -> str | None:
        """Return the key with the exact name of a document's model."""
        return self._first(document, candidate_names(document), 0)

    def nearest(self, document: ModelDocument) -> str | None:
        """Return the key with the same name apart from dates and operators' words."""
        candidates = candidate_names(document)
        return self._first(
            document,
            [looser for name in candidates for looser in (normalized(name), normalized(without_operator_words(name)))],
            1,
        )

    def _first(self, document: ModelDocument, searched: list[str], which: int) -> str | None:
        groups = key_groups(document)
        found = (self._group(group)[which].get(name) for name in searched for group in groups)
        return next((key for key in found if key is not None), None)

    def _group(self, group: KeyGroup) -> tuple[dict[str, str], dict[str, str]]:
        """Return the keys of a group by name and by normalized name; of several the shortest, then the latest."""
        if group not in self._groups:
            keys = sorted(key for key, provider in self._providers.items() if _in_group(group, key, provider))
            keys.sort(key=len, reverse=True)
            full = {key[len(group.prefix) :].lower(): key for key in keys}
            # Vertex AI's versions follow an @; without one Vertex uses the current version.
            by_name = {name.partition("@")[0]: key for name, key in full.items()} | full
            by_normalized = {normalized(key): key for key in keys}
            self._groups[group] = by_name, by_normalized
        return self._groups[group]


def _in_group(group: KeyGroup, key: str, provider: str) -> bool:
    has_prefix = key.lower().startswith(group.prefix) if group.prefix else "/" not in key
    return has_prefix and not SIZED.fullmatch(key) and provider.startswith(group.provider)
