"""LiteLLM's price list, read from the file in its package. LiteLLM itself is not imported: that takes seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from application.admin.price_check import ReferencePrice
from domain.model import ModelDocument
from infra.price_list.entry import image_price, reference
from infra.price_list.key_index import SIZED, KeyIndex

FILE = "model_prices_and_context_window_backup.json"

Entries = Mapping[str, Mapping[str, object]]


class PriceListError(Exception):
    """The price list cannot be read. The message is one line."""


class LiteLLMPriceList:
    """Reference prices of model documents.

    Args:
        entries: the list by its keys; numbers exact.
        source: its name in messages.
    """

    def __init__(self, entries: Entries, source: str) -> None:
        self.source = source
        self._images, bare = _sized_images(entries)
        self._entries = {**bare, **entries}
        self._keys = KeyIndex({key: str(entry.get("litellm_provider", "")) for key, entry in self._entries.items()})

    def find(self, document: ModelDocument) -> ReferencePrice | None:
        """Find the entry for a document by its exact name, else by its name without dates and operators' words."""
        exact = self._keys.exact(document)
        key = exact or self._keys.nearest(document)
        if key is None:
            return None
        return reference(key, self._entries[key], self._images.get(key, {}), exact=exact is not None)


def load_price_list(find: Callable[[], Path | None] | None = None) -> LiteLLMPriceList:
    """Read the list that comes with the installed LiteLLM.

    Args:
        find: the folder of the package; default: where Python would import it from.

    Raises:
        PriceListError: LiteLLM is not installed, or its list cannot be read.
    """
    folder = (find or package_folder)()
    if folder is None:
        raise PriceListError("LiteLLM is not installed, and its package holds the price list")
    try:
        content = json.loads((folder / FILE).read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise PriceListError(f"LiteLLM's price list cannot be read: {error.strerror}") from None
    except ValueError:
        raise PriceListError("LiteLLM's price list is not JSON") from None
    if not isinstance(content, dict):
        raise PriceListError("LiteLLM's price list is not a JSON object")
    entries = {key: entry for key, entry in content.items() if isinstance(entry, dict) and key != "sample_spec"}
    return LiteLLMPriceList(entries, f"the price list of LiteLLM {_version()}".rstrip())


def package_folder() -> Path | None:
    """Return the folder of the installed LiteLLM, or None."""
    spec = find_spec("litellm")  # finds a top-level package without importing it
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return Path(folders[0]) if folders else None


def _version() -> str:
    try:
        return version("litellm")
    except PackageNotFoundError:  # a folder that was put on the path by hand
        return ""


def _sized_images(entries: Entries) -> tuple[dict[str, dict[str, Decimal]], Entries]:
    """Collect prices of images by the key of the model; each is an entry of its own, ``high/1024-x-1024/name``.

    Also return an entry without prices for each such model, because some have no other.
    """
    found: dict[str, dict[str, Decimal]] = {}
    bare: dict[str, Mapping[str, object]] = {}
    for key, entry in entries.items():
        sized = SIZED.fullmatch(key)
        if sized is None:
            continue
        model = (sized["vendor"] or "") + sized["name"]
        bare[model] = {name: entry.get(name) for name in ("litellm_provider", "mode")}
        width, height = int(sized["width"]), int(sized["height"])
        price = image_price(entry, width, height)
        if price is not None:
            size = f"{width}x{height}"
            found.setdefault(model, {})[f"{sized['quality']}/{size}" if sized["quality"] else size] = price
    return found, bare
