"""LiteLLM's price list, read from the file in its package. LiteLLM itself is not imported: that takes seconds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from application.admin.price_check import ReferencePrice
from domain.model import ModelDocument
from infra.price_list.entry import image_price, reference
from infra.price_list.names import Shelf, names, plain, shelves, without_our_words

FILE = "model_prices_and_context_window_backup.json"

_SIZED = re.compile(r"(?P<vendor>azure/)?(?:(?P<quality>[a-z]+)/)?(?P<width>\d+)-x-(?P<height>\d+)/(?P<name>[^/]+)")

Entries = Mapping[str, Mapping[str, object]]


class PriceListError(Exception):
    """There is no price list that could be read. The message is one line."""


class LiteLLMPriceList:
    """Finds what a model document should cost.

    Args:
        entries: the list by its keys; numbers exact.
        source: what it is called in front of people.
    """

    def __init__(self, entries: Entries, source: str) -> None:
        self.source = source
        self._images, bare = _sized_images(entries)
        self._entries = {**bare, **entries}
        self._shelves: dict[Shelf, tuple[dict[str, str], dict[str, str]]] = {}

    def find(self, document: ModelDocument) -> ReferencePrice | None:
        """The entry for a document: by its exact name, else by its name without dates and additions of our own."""
        called = names(document)
        looser = [looser for name in called for looser in (plain(name), plain(without_our_words(name)))]
        places = shelves(document)
        for exact, wanted in ((True, called), (False, looser)):
            for name in wanted:
                for shelf in places:
                    key = self._on(shelf)[0 if exact else 1].get(name)
                    if key is not None:
                        images = self._images.get(key, {})
                        return reference(key, self._entries[key], images, exact=exact)
        return None

    def _on(self, shelf: Shelf) -> tuple[dict[str, str], dict[str, str]]:
        """The keys of a shelf by their names, and by their plain names: of several the shortest, then the latest."""
        if shelf not in self._shelves:
            keys = sorted(key for key, entry in self._entries.items() if _stands_on(shelf, key, entry))
            keys.sort(key=len, reverse=True)
            full = {key[len(shelf.prefix) :].lower(): key for key in keys}
            # Vertex AI's versions stand behind an @; without one Vertex takes the version that is current.
            by_name = {name.partition("@")[0]: key for name, key in full.items()} | full
            by_plain = {plain(key): key for key in keys}
            self._shelves[shelf] = by_name, by_plain
        return self._shelves[shelf]


def load_price_list(find: Callable[[], Path | None] | None = None) -> LiteLLMPriceList:
    """Read the list that comes with the installed LiteLLM.

    Args:
        find: the folder of the package; default: where Python would import it from.

    Raises:
        PriceListError: LiteLLM is not installed, or its list cannot be read.
    """
    folder = (find or _package_folder)()
    if folder is None:
        raise PriceListError("LiteLLM is not installed, and its package holds the price list")
    try:
        content = json.loads((folder / FILE).read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise PriceListError(f"LiteLLM's price list cannot be read: {error.strerror}") from None
    except ValueError:
        raise PriceListError("LiteLLM's price list is no JSON") from None
    if not isinstance(content, dict):
        raise PriceListError("LiteLLM's price list is no JSON object")
    entries = {key: entry for key, entry in content.items() if isinstance(entry, dict) and key != "sample_spec"}
    return LiteLLMPriceList(entries, f"the price list of LiteLLM {_version()}".rstrip())


def _package_folder() -> Path | None:
    spec = find_spec("litellm")  # finds a top-level package without importing it
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    return Path(places[0]) if places else None


def _version() -> str:
    try:
        return version("litellm")
    except PackageNotFoundError:  # a folder that was put on the path by hand
        return ""


def _stands_on(shelf: Shelf, key: str, entry: Mapping[str, object]) -> bool:
    here = key.lower().startswith(shelf.prefix) if shelf.prefix else "/" not in key
    return here and not _SIZED.fullmatch(key) and str(entry.get("litellm_provider", "")).startswith(shelf.provider)


def _sized_images(entries: Entries) -> tuple[dict[str, dict[str, Decimal]], Entries]:
    """Prices of images by the key of the model: each is an entry of its own there, ``high/1024-x-1024/name``.

    And an entry for each such model, without prices, because some have no other one.
    """
    found: dict[str, dict[str, Decimal]] = {}
    bare: dict[str, Mapping[str, object]] = {}
    for key, entry in entries.items():
        sized = _SIZED.fullmatch(key)
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
