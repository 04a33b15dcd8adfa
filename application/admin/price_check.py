"""Comparison of model documents with a price list, to find wrong prices before the invoice does.

A list price is a hint: contracts differ, lists are late. Only a price that is off by a power of 1,000 is an error,
because that is a wrong unit and not a discount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.admin.validation import Validation, validate
from domain.billing_units import BY_PRICE, MILLION, UNITS, WHOLE_CALL_UNITS, BillingUnit
from domain.documents.costs import spelling_of
from domain.documents.fault import Fault, Severity
from domain.documents.values import decimal_of
from domain.model import ModelDocument
from domain.money import plain
from domain.operation import Operation
from domain.pricing import PriceList
from domain.vendors import ModelType

TOLERANCE = Decimal("0.2")
"""Relative difference from the list above which a price gets a warning."""

_SLIPS = (Decimal(1000), Decimal(1_000_000))
_SLIP_WIDTH = 3
"""A price is in a wrong unit if, within this factor, a power of 1,000 lies between it and the list."""

_SIGNIFICANT = 4

_LONGEST_ANSWER = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_CONTEXT_WINDOW = ("context_window", "context_length", "max_input_tokens", "max_context_tokens")


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """An entry of a price list.

    Args:
        name: its name in the list.
        prices: its prices; None if unknown.
        operations: what it can do; None if unknown.
        context_window: tokens that it can read.
        longest_answer: tokens that it can write.
        exact: whether the names are equal; otherwise the entry is a guess.
    """

    name: str
    prices: PriceList
    operations: frozenset[Operation] | None = None
    context_window: int | None = None
    longest_answer: int | None = None
    exact: bool = True


Find = Callable[[ModelDocument], ReferencePrice | None]
"""Finds the entry of a document; None if the list has none."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A document and what it was compared with; None if the list has no entry, which is not a fault."""

    document_id: str
    reference: ReferencePrice | None


def validate_prices(files: Iterable[tuple[str, object]], find: Find) -> tuple[Validation, tuple[Compared, ...]]:
    """Check a folder as :func:`validate` does, and every document that can serve against a price list."""
    compared: list[Compared] = []

    def check(document: ModelDocument, body: Mapping[str, object]) -> Iterable[Fault]:
        if document.model_type is ModelType.SIMULATOR:
            return ()
        found = find(document)
        compared.append(Compared(document.id, found))
        return () if found is None else compare(document, body, found)

    return validate(files, check), tuple(compared)


def prices_as_json(source: str, compared: Sequence[Compared]) -> dict[str, object]:
    """Return what was compared with which entry, as JSON data."""
    return {"source": source, "documents": [_compared_as_json(one) for one in compared]}


def _compared_as_json(one: Compared) -> dict[str, object]:
    found = one.reference
    if found is None:
        return {"id": one.document_id, "entry": None}
    return {
        "id": one.document_id,
        "entry": found.name,
        "exact": found.exact,
        "listed": dict(found.prices.described),
        "operations": None if found.operations is None else sorted(found.operations),
        "context_window": found.context_window,
        "longest_answer": found.longest_answer,
    }


def compare(document: ModelDocument, body: Mapping[str, object], found: ReferencePrice) -> Iterator[Fault]:
    """Yield what looks wrong in a document.

    Args:
        document: the document.
        body: what it was read from, for the spelling of its prices.
        found: the entry of the list.
    """
    written = body.get("costs")
    costs = written if isinstance(written, Mapping) else {}
    yield from _prices(document, costs, found)
    yield from _missing(document, costs, found)
    yield from _operations(document, found)
    yield from _sizes(document, body, found)


def _prices(document: ModelDocument, costs: Mapping[str, object], found: ReferencePrice) -> Iterator[Fault]:
    same_currency = document.prices.currency == found.prices.currency
    if not same_currency:
        wrong = f"is {document.prices.currency}, while {found.name} is listed in {found.prices.currency}"
        right = f"{found.prices.currency}, or prices converted and checked by hand"
        yield Fault("costs.currency", wrong, right, Severity.WARNING)
    for price, suffix, ours, theirs in _pairs(document.prices, found.prices):
        member, times = spelling_of(price, costs)
        slip = _slip(ours / theirs)
        # No currency is worth hundreds of dollars, but of many a dollar buys hundreds.
        unit_is_wrong = slip is not None and (same_currency or slip < 1)
        if not unit_is_wrong and (not same_currency or abs(ours - theirs) <= theirs * TOLERANCE):
            continue
        field, listed = f"costs.{member}{suffix}", _short(theirs / times)
        said = f"is {plain(ours / times)}, and {_guess(found)} is listed with {listed}"
        if unit_is_wrong and slip is not None:
            right = (
                listed
                if same_currency
                else f"the same in {document.prices.currency} as {listed} {found.prices.currency}"
            )
            yield Fault(field, f"{said}: {_slip_text(slip, BY_PRICE[price], times)}", right)
        else:
            yield Fault(field, f"{said}: {_drift(ours, theirs)}", f"{listed}, or as agreed", Severity.WARNING)


def _missing(document: ModelDocument, costs: Mapping[str, object], found: ReferencePrice) -> Iterator[Fault]:
    # A price of something that the model cannot do is not missed.
    can = document.operations if found.operations is None else found.operations
    for unit in UNITS:
        theirs = found.prices[unit.price]
        charged = any(document.prices[price] is not None for price in (unit.price, *_instead_of(unit)))
        used = any(_charged(unit, operation, document.prices) for operation in document.operations)
        if theirs is None or charged or not used or can.isdisjoint(unit.used_by):
            continue
        member, times = spelling_of(unit.price, costs)
        listed = _short(theirs / times) if isinstance(theirs, Decimal) else "a price for each size"
        without = f"are charged as ordinary {unit.side}" if unit.ordinary else "are not charged"
        wrong = f"no price for {unit.label}, which {without}; {_guess(found)} has one"
        mixed = times == 1 and spelling_of("input", costs)[1] != 1
        right = f'"{member}": {listed}' + (" (and then every price per 1,000,000)" if mixed else "")
        yield Fault("costs", wrong, right + _currency_note(document, found), Severity.WARNING)


def _charged(unit: BillingUnit, operation: Operation, prices: PriceList) -> bool:
    """Tell whether an operation is charged by a unit: if it has a price for whole calls, by no other."""
    whole = WHOLE_CALL_UNITS.get(operation)
    if whole is not None and prices[whole.price] is not None:
        return unit is whole
    return operation in unit.used_by


def _instead_of(unit: BillingUnit) -> Iterator[str]:
    """Yield the other price for the same thing: a document needs only one of them."""
    for whole in WHOLE_CALL_UNITS.values():
        if unit is whole:
            yield whole.instead_of
        elif unit.price == whole.instead_of:
            yield whole.price


def _operations(document: ModelDocument, found: ReferencePrice) -> Iterator[Fault]:
    if found.operations is None:
        return
    beyond = [operation for operation in Operation if operation in document.operations - found.operations]
    if beyond:
        wrong = f"offers {', '.join(beyond)}, which {_guess(found)} does not have"
        has = ", ".join(f'"{operation}"' for operation in Operation if operation in found.operations)
        yield Fault("operations", wrong, f"at most [{has}]" if has else "another model", Severity.WARNING)


def _sizes(document: ModelDocument, body: Mapping[str, object], found: ReferencePrice) -> Iterator[Fault]:
    defaults = document.parameters.defaults
    for members, most, does in (
        (_LONGEST_ANSWER, found.longest_answer, "writes"),
        (_CONTEXT_WINDOW, found.context_window, "reads"),
    ):
        for member in members:
            for path, value in (("", body.get(member)), ("parameters.", defaults.get(member))):
                asked = decimal_of(value)
                if most is not None and asked is not None and asked > most:
                    wrong = f"is more than the {most} tokens that {_guess(found)} {does}"
                    yield Fault(path + member, wrong, f"{most} or less", Severity.WARNING)


def _pairs(ours: PriceList, theirs: PriceList) -> Iterator[tuple[str, str, Decimal, Decimal]]:
    """Yield prices that both have: name, key in a table of images, ours, theirs."""
    for price in BY_PRICE:
        one, other = ours[price], theirs[price]
        listed = dict(other) if isinstance(other, tuple) else {}
        for key, amount in one if isinstance(one, tuple) else (("", one),):
            against = listed.get(key) if isinstance(other, tuple) else other
            if isinstance(amount, Decimal) and isinstance(against, Decimal) and against > 0:
                yield price, f".{key}" if key else "", amount, against


def _slip(ratio: Decimal) -> Decimal | None:
    """Return the power of 1,000 that a ratio is close to: 1,000, 1,000,000 or their inverse; None if absent."""
    for slip in (each for size in _SLIPS for each in (size, 1 / size)):
        if slip / _SLIP_WIDTH <= ratio <= slip * _SLIP_WIDTH:
            return slip
    return None


def _slip_text(slip: Decimal, unit: BillingUnit, times: int) -> str:
    text = f"about {max(slip, 1 / slip):,f} times too {'high' if slip > 1 else 'low'}"
    if unit.per != MILLION:
        return text
    thing = "token" if unit.covers is None else "character"
    units = {1: f"per {thing}", 1000: f"per 1,000 {thing}s", MILLION: f"per 1,000,000 {thing}s"}
    meant = units.get(int(Decimal(MILLION) / times * slip))
    return f"{text}; it looks like the price {meant}" if meant else text


def _drift(ours: Decimal, theirs: Decimal) -> str:
    percent = abs(ours - theirs) / theirs * 100
    return f"{percent:,.0f} % {'more' if ours > theirs else 'less'}"


def _guess(found: ReferencePrice) -> str:
    return found.name if found.exact else f"{found.name} (taken for the same model)"


def _short(amount: Decimal) -> str:
    """Round to few digits: the list has computed prices."""
    return plain(Decimal(f"{amount:.{_SIGNIFICANT}g}"))


def _currency_note(document: ModelDocument, found: ReferencePrice) -> str:
    return "" if document.prices.currency == found.prices.currency else f" in {found.prices.currency}"
