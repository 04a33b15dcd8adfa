"""Keys in exported documents: masked in the files, and put back from the store when these are applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from application.ports.catalog_store import StoredDocument
from domain.documents.values import MASK, VARIABLE_NAME

_KEY_LIKE = re.compile(r"key|token|secret|passw|credential|auth|signature|bearer|cookie", re.IGNORECASE)


def mask_keys(body: Mapping[str, object]) -> Mapping[str, object]:
    """Return a document with every key that it contains masked. Names of environment variables stay."""
    return _mapped(body, lambda name, value: MASK if _is_key(name, value) else value)


def unmask_keys(files: Iterable[tuple[str, object]], present: Iterable[StoredDocument]) -> Iterator[tuple[str, object]]:
    """Yield files with masks replaced by the values of the stored documents. Other masks stay, and are faults."""
    stored = {document.id: document.body for document in present}

    def restored(document: object) -> object:
        before = stored.get(str(document.get("id"))) if isinstance(document, Mapping) else None
        if not isinstance(document, Mapping) or not isinstance(before, Mapping):
            return document
        return {name: _restored(value, before.get(name)) for name, value in document.items()}

    for name, content in files:
        yield name, [restored(each) for each in content] if isinstance(content, list) else restored(content)


def _restored(value: object, before: object) -> object:
    if value == MASK and isinstance(before, str):
        return before
    if isinstance(value, Mapping) and isinstance(before, Mapping):
        return {name: _restored(member, before.get(name)) for name, member in value.items()}
    return value


def _mapped(body: Mapping[str, object], change: Callable[[str, object], object]) -> dict[str, object]:
    return {
        name: _mapped(value, change) if isinstance(value, Mapping) else change(name, value)
        for name, value in body.items()
    }


def _is_key(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value or not _KEY_LIKE.search(name):
        return False
    return name != "secret_name" and not VARIABLE_NAME.fullmatch(value)
