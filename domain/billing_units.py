"""Billing units: one row for each quantity that has a price, read wherever it is priced, reported or explained.

A row is a field of :class:`BilledQuantities`. It determines the member of ``costs`` in documents, the
arithmetic of costs, columns of the ledger and of reports, the comparison with a price list, and the example of
``llmproxy explain``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import ParamSpec

from domain.fast_dataclass import record
from domain.money import plain
from domain.operation import Operation

P = ParamSpec("P")

MILLION = 1_000_000


class Side(StrEnum):
    """A side of a call: what is sent, or what is received. Its value is the price of ordinary tokens of that side."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class BillingUnit:
    """A quantity with a price: tokens of one kind, or another unit that is the price of a whole call.

    Args:
        price: name of its price in price lists, ledger lines and reports.
        member: its member in ``costs`` of documents; for tokens per 1,000,000 of them.
        side: the side of a call that it belongs to; the price of a whole call replaces tokens of that side.
        used_by: operations that can be charged for it, each with the quantity in its example call.
        needed_by: operations that are not charged in full without a price for it.
        listed: members of an entry in LiteLLM's price list that hold its price, the first one given counts.
        member_per_thousand: the same in the other spelling of ``costs``, per 1,000 tokens.
        per: the quantity that the price is for.
        listed_per: the quantity that the price in LiteLLM's list is for.
        covers: the operation whose calls it can be the whole price of; None for tokens.
        instead_of: the price of tokens by which such calls may be charged instead.
        ordinary: tokens without a price of their own are charged as ordinary ones of their side.
        unless: a quantity in whose presence that does not hold.
        sized: the price may be a table by the size of an image.
        noun: plural, for people; derived for tokens.
        shown_per: the quantity that is shown as 1.
        column: its column in usage reports; empty if it has none.
        quantity: the field of ``Usage`` that counts it.
    """

    price: str
    member: str
    side: Side
    used_by: Mapping[Operation, int]
    needed_by: frozenset[Operation] = frozenset()
    listed: tuple[str, ...] = ()
    member_per_thousand: str = ""
    per: int = MILLION
    listed_per: int = 1
    covers: Operation | None = None
    instead_of: str = ""
    ordinary: bool = False
    unless: str = ""
    sized: bool = False
    noun: str = ""
    shown_per: int = 1
    column: str = ""
    quantity: str = ""

    @property
    def label(self) -> str:
        """Its name for people, in the plural: ``cached input tokens``."""
        return self.noun or f"{self.price.replace('_', ' ')} tokens"

    @property
    def per_label(self) -> str:
        """The quantity that its price is for, for people: ``1,000,000 tokens``, ``minute``."""
        return f"1,000,000 {(self.covers and self.price) or 'tokens'}" if self.per == MILLION else self.price

    def shown(self, amount: int) -> int | str:
        """Convert a quantity to the number that people see, exactly."""
        return amount if self.shown_per == 1 else plain(Decimal(amount) / self.shown_per)


def _as_field(make: Callable[P, BillingUnit]) -> Callable[P, int]:
    def declare(*args: P.args, **kwargs: P.kwargs) -> int:
        declared: int = field(default=0, metadata={"row": make(*args, **kwargs)})
        return declared

    return declare


_unit = _as_field(BillingUnit)
_TEXT = frozenset({Operation.CHAT_COMPLETION, Operation.RESPONSES})
_EMBEDDINGS, _IMAGES, _SPEECH = Operation.EMBEDDINGS, Operation.IMAGES, Operation.AUDIO_TTS
_TRANSCRIPTS = Operation.AUDIO_STT
_CHAT = dict.fromkeys((*_TEXT, Operation.AUDIO_REALTIME), 1000)
_SOME_CHAT = dict.fromkeys(_CHAT, 0)


@record
class BilledQuantities:
    """Billable quantities of one call. A token that is several things is charged as the first of them, in this order.

    Quantities of examples go by the rules of thumb in ``domain/estimates.py``.
    """

    input_tokens: int = _unit(
        "input",
        "cost_input_1Mtokens",
        Side.INPUT,
        _CHAT | {_EMBEDDINGS: 1000, _IMAGES: 25, _SPEECH: 250, _TRANSCRIPTS: 600},
        _TEXT | {_EMBEDDINGS, _IMAGES, _SPEECH, _TRANSCRIPTS},
        ("input_cost_per_token",),
        member_per_thousand="input",
        column="input_tokens",
    )
    output_tokens: int = _unit(
        "output",
        "cost_output_1Mtokens",
        Side.OUTPUT,
        _CHAT | {_TRANSCRIPTS: 250},
        _TEXT | {_TRANSCRIPTS},
        ("output_cost_per_token",),
        member_per_thousand="output",
        column="output_tokens",
    )
    audio_input_tokens: int = _unit(
        "audio_input",
        "cost_audio_input_1Mtokens",
        Side.INPUT,
        _SOME_CHAT | {_TRANSCRIPTS: 600},
        frozenset({_TRANSCRIPTS}),
        ("input_cost_per_audio_token",),
    )
    image_input_tokens: int = _unit(
        "image_input",
        "cost_image_input_1Mtokens",
        Side.INPUT,
        _SOME_CHAT | {_EMBEDDINGS: 0, _IMAGES: 0},
        frozenset({_IMAGES}),
        ("input_cost_per_image_token",),
        ordinary=True,
        unless="images",
    )
    cached_input_tokens: int = _unit(
        "cached_input",
        "cost_cached_input_1Mtokens",
        Side.INPUT,
        _SOME_CHAT | {_IMAGES: 0},
        listed=("cache_read_input_token_cost",),
        ordinary=True,
        column="cached_tokens",
    )
    cache_write_tokens: int = _unit(
        "cache_write",
        "cost_cache_write_1Mtokens",
        Side.INPUT,
        _SOME_CHAT,
        listed=("cache_creation_input_token_cost",),
        ordinary=True,
    )
    audio_output_tokens: int = _unit(
        "audio_output",
        "cost_audio_output_1Mtokens",
        Side.OUTPUT,
        _SOME_CHAT | {_SPEECH: 1334},
        frozenset({_SPEECH}),
        ("output_cost_per_audio_token",),
    )
    image_output_tokens: int = _unit(
        "image_output",
        "cost_image_output_1Mtokens",
        Side.OUTPUT,
        dict.fromkeys(_TEXT, 0) | {_IMAGES: 1000},
        frozenset({_IMAGES}),
        ("output_cost_per_image_token",),
    )
    characters: int = _unit(
        "characters",
        "cost_1Mcharacters",
        Side.OUTPUT,
        {_SPEECH: 1000},
        listed=("input_cost_per_character",),
        covers=_SPEECH,
        instead_of="audio_output",
        noun="characters of speech",
        column="characters",
    )
    audio_milliseconds: int = _unit(
        "minute",
        "cost_minute",
        Side.INPUT,
        {_TRANSCRIPTS: 60_000},
        listed=("input_cost_per_second",),
        listed_per=1000,
        per=60_000,
        covers=_TRANSCRIPTS,
        instead_of="audio_input",
        noun="seconds of audio",
        shown_per=1000,
        column="audio_seconds",
    )
    images: int = _unit(
        "image",
        "cost_image",
        Side.OUTPUT,
        {_IMAGES: 1},
        listed=("output_cost_per_image", "input_cost_per_image"),
        per=1,
        covers=_IMAGES,
        instead_of="image_output",
        sized=True,
        noun="images",
        column="images",
    )


UNITS: tuple[BillingUnit, ...] = tuple(
    replace(each.metadata["row"], quantity=each.name) for each in fields(BilledQuantities)
)
TOKEN_UNITS = tuple(unit for unit in UNITS if unit.covers is None)
PARTS = tuple(unit for unit in TOKEN_UNITS if unit.price != unit.side)
"""Tokens that are part of all tokens of their side, in the order in which they are charged."""
WHOLE_CALL_UNITS: Mapping[Operation, BillingUnit] = MappingProxyType(
    {unit.covers: unit for unit in UNITS if unit.covers is not None}
)
BY_PRICE: Mapping[str, BillingUnit] = MappingProxyType({unit.price: unit for unit in UNITS})
REPORTED = tuple(
    sorted(
        (unit for unit in UNITS if unit.column),
        key=lambda unit: (unit.covers is not None, unit.covers is None and unit.side is Side.OUTPUT),
    )
)
"""The units that have a column in usage reports, in the order of the columns."""
