"""Prices of a model document: two spellings, one exact price list.

A price is at most 1,000,000 currency units (per 1,000,000 tokens or characters, per minute, per image) and has at most
20 places behind the point there: enough for every price that was ever computed in floating point, and few enough that
sums over a call stay exact to the ledger's resolution.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from domain.documents.fault import kind_of
from domain.documents.reader import Reader
from domain.documents.values import closest, decimal_of, decimal_places
from domain.operation import Operation
from domain.pricing import PriceList

HIGHEST_PRICE = Decimal(1_000_000)
MOST_PLACES = 20
_MOST_MEMBERS = 50
_MOST_SIZES = 100

_PER_THOUSAND = {"input": "input", "output": "output"}
_PER_MILLION = {
    "cost_input_1Mtokens": "input",
    "cost_output_1Mtokens": "output",
    "cost_cached_input_1Mtokens": "cached_input",
    "cost_cache_write_1Mtokens": "cache_write",
    "cost_audio_input_1Mtokens": "audio_input",
    "cost_audio_output_1Mtokens": "audio_output",
    "cost_image_input_1Mtokens": "image_input",
    "cost_image_output_1Mtokens": "image_output",
    "cost_1Mcharacters": "characters",
    "cost_minute": "minute",
}
_MEMBER_OF = {price: member for member, price in _PER_MILLION.items()} | {"image": "cost_image"}
_KNOWN = ("currency", *_PER_THOUSAND, *_PER_MILLION, "cost_image")
_SHORT = {member.removesuffix("_1Mtokens"): member for member in _KNOWN}
_SIZE = re.compile(r"(?:[a-z_]+/)?(?:[0-9]+x[0-9]+|auto)")
_CURRENCY = re.compile(r"[A-Z]{3}")

_BY_TOKENS: dict[Operation, tuple[str, ...]] = {
    Operation.CHAT_COMPLETION: ("input", "output"),
    Operation.RESPONSES: ("input", "output"),
    Operation.EMBEDDINGS: ("input",),
    Operation.IMAGES: ("image_output", "image_input", "input"),
    Operation.AUDIO_TTS: ("audio_output", "input"),
    Operation.AUDIO_STT: ("audio_input", "input", "output"),
}
"""For each operation the prices that its tokens need."""

_BY_UNIT: dict[Operation, str] = {
    Operation.IMAGES: "image",
    Operation.AUDIO_TTS: "characters",
    Operation.AUDIO_STT: "minute",
}
"""The price that covers a whole call of the operation: ``domain.pricing.cost_of`` then charges no tokens.

A document without it goes by tokens where it names the first of the prices in ``_BY_TOKENS``.
"""


def read_costs(costs: Reader) -> PriceList:
    """The price list, everything per 1,000,000 whatever the spelling."""
    currency = read_currency(costs)
    _check_members(costs)
    prices: dict[str, Decimal] = {}
    for spelling, shift in ((_PER_THOUSAND, 3), (_PER_MILLION, 0)):
        for member, price in spelling.items():
            exact = _price(costs, member, shift)
            if exact is not None:
                prices[price] = exact
    return PriceList(currency=currency, image=_image(costs), **prices)


def read_currency(owner: Reader) -> str:
    """The ISO 4217 code, in capitals; USD where none is named."""
    currency = (owner.text("currency", example='"USD"') or "USD").upper()
    if not _CURRENCY.fullmatch(currency):
        owner.error("currency", "is no currency code", 'three letters as in ISO 4217, for example "USD" or "EUR"')
    return currency


def warn_of_missing_prices(costs: Reader, prices: PriceList, operations: frozenset[Operation]) -> None:
    """Name each operation on offer that would be used without a cost."""
    missing: dict[tuple[str, ...], list[Operation]] = {}
    for operation in Operation:
        for group in _needed(operation, prices) if operation in operations else ():
            if all(getattr(prices, price) is None for price in group):
                missing.setdefault(group, []).append(operation)
    for group, unpriced in missing.items():
        wrong = f"no {group[0].replace('_', ' ')} price, so {', '.join(unpriced)} is not charged in full"
        costs.warn("", wrong, _members_for(costs, group))


def unit_price(operation: Operation) -> str | None:
    """The name of the price that covers a whole call of this operation; ``None`` = it goes by tokens alone."""
    return _BY_UNIT.get(operation)


def spelling_of(price: str, costs: Mapping[str, object]) -> tuple[str, int]:
    """How a document with these costs spells a price.

    Args:
        price: the name of the price in :class:`PriceList`.
        costs: the document's ``costs`` as they were written.

    Returns:
        The member, and how many times smaller its number is than the price list's: 1,000 where the document quotes per
        1,000 tokens, else 1.
    """
    if price in _PER_THOUSAND.values() and any(costs.get(member) is not None for member in _PER_THOUSAND):
        return price, 1000
    return _MEMBER_OF[price], 1


def _needed(operation: Operation, prices: PriceList) -> Iterator[tuple[str, ...]]:
    """The prices that it needs: of every group at least one."""
    unit, tokens = _BY_UNIT.get(operation), _BY_TOKENS.get(operation, ())
    if unit is not None and getattr(prices, tokens[0]) is None:
        yield unit, tokens[0]
    elif unit is None or getattr(prices, unit) is None:
        yield from ((price,) for price in tokens)


def _members_for(costs: Reader, group: tuple[str, ...]) -> str:
    thousand = any(costs.given(member) for member in _PER_THOUSAND)
    if thousand and group[0] in _PER_THOUSAND.values():
        return f'"{group[0]}"'
    members = " or ".join(f'"{_MEMBER_OF[price]}"' for price in group)
    return f"{members} (and then every price per 1,000,000)" if thousand else members


def _check_members(costs: Reader) -> None:
    thousand = [member for member in _PER_THOUSAND if costs.given(member)]
    million = [member for member in (*_PER_MILLION, "cost_image") if costs.given(member)]
    if thousand and million:
        costs.error(
            "",
            f"mixes prices per 1,000 tokens ({', '.join(thousand)}) with prices per 1,000,000 ({', '.join(million)})",
            "one spelling in the whole document",
        )
    if len(costs.members) > _MOST_MEMBERS:
        costs.error("", f"has {len(costs.members)} members", f"at most {_MOST_MEMBERS}")
        return
    for member, value in costs.members.items():
        if member in _KNOWN or value is None:
            continue
        meant = closest(str(member).removesuffix("_1Mtokens"), _SHORT)
        right = f'"{_SHORT[meant]}"' if meant else f"one of {', '.join(_KNOWN)}"
        # A number that nobody reads is a price that nobody charges; a note does no harm.
        if decimal_of(value) is not None or isinstance(value, Mapping):
            costs.error(member, "is no price that is known", right)
        else:
            costs.warn(member, "is no field that is known here", right)


def _price(costs: Reader, member: str, shift: int = 0) -> Decimal | None:
    unit = Decimal(10) ** shift
    price = costs.number(member, least=Decimal(0), most=HIGHEST_PRICE / unit)
    if price is None:
        return None
    if decimal_places(price) > MOST_PLACES + shift:
        costs.error(
            member, "is finer than anything that can be charged", f"at most {MOST_PLACES + shift} decimal places"
        )
        return None
    return price * unit


def _image(costs: Reader) -> Decimal | tuple[tuple[str, Decimal], ...] | None:
    value = costs.members.get("cost_image")
    if not isinstance(value, Mapping):
        if isinstance(value, list | tuple):
            costs.error("cost_image", f"is {kind_of(value)}", 'a price, or a table such as {"1024x1024": 0.04}')
            return None
        return _price(costs, "cost_image")
    table = costs.table("cost_image")
    if not 0 < len(value) <= _MOST_SIZES:
        wrong = f"is a table of {len(value)} sizes"
        costs.error("cost_image", wrong, f'1 to {_MOST_SIZES} of them, for example {{"1024x1024": 0.04}}')
        return None
    prices: list[tuple[str, Decimal]] = []
    for size in value:
        if not isinstance(size, str) or not _SIZE.fullmatch(size):
            table.error(size, "is no size", '"1024x1024" or "hd/1024x1024"')
            continue
        if not table.given(size):
            table.error(size, "has no price", "a number")
        price = _price(table, size)
        if price is not None:
            prices.append((size, price))
    return tuple(prices)
