"""Prices of a model document: two spellings, one exact price list.

A price is at most 1,000,000 currency units (per 1,000,000 tokens or characters, per minute, per image) and has at most
20 places behind the point there: enough for every price that was ever computed in floating point, and few enough that
sums over a call stay exact to the ledger's resolution.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from domain.billing_units import BY_PRICE, UNITS, WHOLE_CALL_UNITS
from domain.documents.fault import kind_of
from domain.documents.reader import Reader
from domain.documents.values import closest, decimal_of, decimal_places
from domain.operation import Operation
from domain.pricing import Price, PriceList

HIGHEST_PRICE = Decimal(1_000_000)
MOST_PLACES = 20
_MOST_MEMBERS = 50
_MOST_SIZES = 100

_PER_THOUSAND = {unit.member_per_thousand: unit for unit in UNITS if unit.member_per_thousand}
_PER_MILLION = {unit.member: unit for unit in UNITS}
COST_MEMBERS = ("currency", *_PER_THOUSAND, *_PER_MILLION)
_SHORT = {member.removesuffix("_1Mtokens"): member for member in COST_MEMBERS}
_SIZE = re.compile(r"(?:[a-z_]+/)?(?:[0-9]+x[0-9]+|auto)")
_CURRENCY = re.compile(r"[A-Z]{3}")


def read_costs(costs: Reader) -> PriceList:
    """Read the price list, whatever the spelling."""
    currency = read_currency(costs)
    _check_members(costs)
    prices: dict[str, Price | None] = {}
    for member, unit in _PER_MILLION.items():
        prices[unit.price] = _sized(costs, member) if unit.sized else _price(costs, member)
    for member, unit in _PER_THOUSAND.items():
        exact = _price(costs, member, 3)
        prices[unit.price] = prices[unit.price] if exact is None else exact
    return PriceList(currency, **prices)


def read_currency(owner: Reader) -> str:
    """Read the ISO 4217 code, in capitals; USD if none is named."""
    currency = (owner.text("currency", example='"USD"') or "USD").upper()
    if not _CURRENCY.fullmatch(currency):
        owner.error("currency", "is not a currency code", 'three letters as in ISO 4217, for example "USD" or "EUR"')
    return currency


def warn_of_missing_prices(costs: Reader, prices: PriceList, operations: frozenset[Operation]) -> None:
    """Name each operation on offer that would be used without a cost."""
    missing: dict[tuple[str, ...], list[Operation]] = {}
    for operation in Operation:
        for group in _needed(operation, prices) if operation in operations else ():
            if all(prices[price] is None for price in group):
                missing.setdefault(group, []).append(operation)
    for group, unpriced in missing.items():
        wrong = f"no {group[0].replace('_', ' ')} price, so {', '.join(unpriced)} is not charged in full"
        costs.warn("", wrong, _members_for(costs, group))


def spelling_of(price: str, costs: Mapping[str, object]) -> tuple[str, int]:
    """Return the spelling of a price in a document with these costs.

    Args:
        price: the name of the price.
        costs: the document's ``costs`` as they were written.

    Returns:
        The member, and how many times smaller its number is than the price list's: 1,000 where the document quotes per
        1,000 tokens, else 1.
    """
    unit = BY_PRICE[price]
    if unit.member_per_thousand and any(costs.get(member) is not None for member in _PER_THOUSAND):
        return unit.member_per_thousand, 1000
    return unit.member, 1


def _needed(operation: Operation, prices: PriceList) -> Iterator[tuple[str, ...]]:
    """Yield the prices that an operation needs, of every group at least one.

    The price of a whole call is enough. A document without it goes by tokens if it names the price that stands for it.
    """
    whole = WHOLE_CALL_UNITS.get(operation)
    if whole is not None and prices[whole.instead_of] is None:
        yield whole.price, whole.instead_of
    elif whole is None or prices[whole.price] is None:
        yield from ((unit.price,) for unit in UNITS if operation in unit.needed_by)


def _members_for(costs: Reader, group: tuple[str, ...]) -> str:
    thousand = any(costs.given(member) for member in _PER_THOUSAND)
    if thousand and BY_PRICE[group[0]].member_per_thousand:
        return f'"{BY_PRICE[group[0]].member_per_thousand}"'
    members = " or ".join(f'"{BY_PRICE[price].member}"' for price in group)
    return f"{members} (and then every price per 1,000,000)" if thousand else members


def _check_members(costs: Reader) -> None:
    thousand = [member for member in _PER_THOUSAND if costs.given(member)]
    million = [member for member in _PER_MILLION if costs.given(member)]
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
        if member in COST_MEMBERS or value is None:
            continue
        meant = closest(str(member).removesuffix("_1Mtokens"), _SHORT)
        right = f"did you mean '{_SHORT[meant]}'?" if meant else f"one of {', '.join(COST_MEMBERS)}"
        # An unread number would be a price that is never charged; a note does no harm.
        if decimal_of(value) is not None or isinstance(value, Mapping):
            costs.error(member, "unknown price", right)
        else:
            costs.warn(member, "unknown field", right)


def _price(costs: Reader, member: str, shift: int = 0) -> Decimal | None:
    unit = Decimal(10) ** shift
    price = costs.number(member, least=Decimal(0), most=HIGHEST_PRICE / unit)
    if price is None:
        return None
    if decimal_places(price) > MOST_PLACES + shift:
        costs.error(member, "too many decimal places", f"at most {MOST_PLACES + shift} decimal places")
        return None
    return price * unit


def _sized(costs: Reader, member: str) -> Price | None:
    value = costs.members.get(member)
    if not isinstance(value, Mapping):
        if isinstance(value, list | tuple):
            costs.error(member, f"is {kind_of(value)}", 'a price, or a table such as {"1024x1024": 0.04}')
            return None
        return _price(costs, member)
    table = costs.table(member)
    if not 0 < len(value) <= _MOST_SIZES:
        wrong = f"is a table of {len(value)} sizes"
        costs.error(member, wrong, f'1 to {_MOST_SIZES} of them, for example {{"1024x1024": 0.04}}')
        return None
    prices: list[tuple[str, Decimal]] = []
    for size in value:
        if not isinstance(size, str) or not _SIZE.fullmatch(size):
            table.error(size, "is not a size", '"1024x1024" or "hd/1024x1024"')
            continue
        if not table.given(size):
            table.error(size, "has no price", "a number")
        price = _price(table, size)
        if price is not None:
            prices.append((size, price))
    return tuple(prices)
