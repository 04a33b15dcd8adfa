"""Context windows and longest answers from LiteLLM's price list; keeps little in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from application.use_cases.list_models import Sizes
from domain.model import ModelDocument
from infra.price_list.key_index import KeyIndex
from infra.price_list.litellm_file import FILE, package_folder

_NOTHING = Sizes()


class _Entry(msgspec.Struct, gc=False):
    litellm_provider: Any = ""
    max_input_tokens: Any = None
    max_output_tokens: Any = None


class ListedSizes:
    """Sizes of models, read at first use, which takes milliseconds: use it in a thread.

    Only exact names match: ``gpt-4`` and ``gpt-4-turbo`` differ in size.
    An unreadable list is treated as an empty one.

    Args:
        find: the folder of the package; default: where Python would import it from.
    """

    def __init__(self, find: Callable[[], Path | None] = package_folder) -> None:
        self._find = find
        self._lock = Lock()
        self._read: tuple[KeyIndex, dict[str, Sizes]] | None = None

    def of(self, document: ModelDocument) -> Sizes:
        """Return the sizes of a document's model."""
        if self._read is None:
            with self._lock:
                if self._read is None:
                    self._read = _read(self._find())
        keys, sizes = self._read
        return sizes.get(keys.exact(document) or "", _NOTHING)


def _read(folder: Path | None) -> tuple[KeyIndex, dict[str, Sizes]]:
    try:
        content = b"{}" if folder is None else (folder / FILE).read_bytes()
        entries = msgspec.json.decode(content, type=dict[str, _Entry])
    except (OSError, msgspec.MsgspecError):
        entries = {}
    sizes = {
        key: Sizes(_whole(entry.max_input_tokens), _whole(entry.max_output_tokens)) for key, entry in entries.items()
    }
    return KeyIndex({key: str(entry.litellm_provider) for key, entry in entries.items()}), sizes


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None
