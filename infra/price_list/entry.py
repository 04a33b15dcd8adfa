"""Conversion of an entry of LiteLLM's price list: US dollars per 1,000,000 tokens, and operations."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from application.admin.price_check import ReferencePrice
from domain.billing_units import UNITS, BillingUnit
from domain.documents.values import decimal_of
from domain.operation import Operation
from domain.pricing import Price, PriceList

_CHAT = frozenset({Operation.CHAT_COMPLETION})
_IMAGES = frozenset({Operation.IMAGES})
_MODES: Mapping[str, frozenset[Operation]] = {
    "chat": _CHAT,
    "completion": _CHAT,
    "responses": frozenset({Operation.RESPONSES}),
    "embedding": frozenset({Operation.EMBEDDINGS}),
    "image_generation": _IMAGES,
    "image_edit": _IMAGES,
    "audio_speech": frozenset({Operation.AUDIO_TTS}),
    "audio_transcription": frozenset({Operation.AUDIO_STT}),
    "realtime": frozenset({Operation.AUDIO_REALTIME}),
}
_PATHS: tuple[tuple[str, Operation], ...] = (
    ("/v1/chat/completions", Operation.CHAT_COMPLETION),
    ("/v1/completions", Operation.CHAT_COMPLETION),
    ("/v1/responses", Operation.RESPONSES),
    ("/v1/embeddings", Operation.EMBEDDINGS),
    ("/v1/images/", Operation.IMAGES),
    ("/v1/audio/speech", Operation.AUDIO_TTS),
    ("/v1/audio/transcriptions", Operation.AUDIO_STT),
    ("/v1/audio/translations", Operation.AUDIO_STT),
    ("/v1/realtime", Operation.AUDIO_REALTIME),
    ("/vertex_ai/live", Operation.AUDIO_REALTIME),
)


def reference(
    key: str, entry: Mapping[str, object], images: Mapping[str, Decimal], *, exact: bool = True
) -> ReferencePrice:
    """Convert an entry of the list.

    Args:
        key: its key in the list.
        entry: its members.
        images: prices of an image by ``"size"`` or ``"quality/size"``; the list has an entry for each.
        exact: whether the model's name is that of the entry.
    """
    operations = operations_of(entry)
    prices: dict[str, Price | None] = {unit.price: _listed(unit, entry, operations) for unit in UNITS}
    if images:
        prices["image"] = tuple(sorted(images.items()))
    return ReferencePrice(
        name=key,
        prices=PriceList("USD", **prices),
        operations=operations,
        context_window=_whole(entry.get("max_input_tokens")),
        longest_answer=_whole(entry.get("max_output_tokens")),
        exact=exact,
    )


def operations_of(entry: Mapping[str, object]) -> frozenset[Operation] | None:
    """Return what the model can do, or None if the list does not state it.

    A chat model is assumed to serve the Responses endpoint as well.
    """
    mode = entry.get("mode")
    if not isinstance(mode, str):
        return None
    found = set(_MODES.get(mode, ()))
    endpoints = entry.get("supported_endpoints")
    for path in endpoints if isinstance(endpoints, list) else ():
        found |= {operation for start, operation in _PATHS if isinstance(path, str) and path.startswith(start)}
    if Operation.CHAT_COMPLETION in found:
        found.add(Operation.RESPONSES)
    return frozenset(found)


def image_price(entry: Mapping[str, object], width: int, height: int) -> Decimal | None:
    """Return the price of an image of this size; some entries state it per pixel."""
    return _price(entry.get("input_cost_per_image") or entry.get("output_cost_per_image"), Decimal(1)) or _price(
        entry.get("input_cost_per_pixel"), Decimal(width * height)
    )


def _listed(unit: BillingUnit, entry: Mapping[str, object], operations: frozenset[Operation] | None) -> Decimal | None:
    if unit.sized and unit.covers not in (operations or ()):
        return None  # models that only look at images have a price for each, too
    value = next((entry[member] for member in unit.listed if entry.get(member)), None)
    return _price(value, Decimal(unit.per // unit.listed_per))


def _price(value: object, unit: Decimal) -> Decimal | None:
    """Return a price, or None for 0, which the list has where a price is unknown."""
    exact = decimal_of(value)
    return exact * unit if exact is not None and exact > 0 else None


def _whole(value: object) -> int | None:
    exact = decimal_of(value)
    return int(exact) if exact is not None and exact > 0 else None
