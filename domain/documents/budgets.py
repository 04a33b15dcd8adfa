"""Budgets of a document: ``[{"amount": "100", "currency": "USD", "period": "month"}]``."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from itertools import count

from domain.budget import Budget, Period
from domain.documents.costs import read_currency
from domain.documents.reader import Reader
from domain.documents.values import decimal_of, decimal_places, is_timezone, unfit_name
from domain.money import Money

MOST_MONEY = Decimal(10**12)
_KNOWN = ("id", "amount", "currency", "period", "timezone", "starts", "models", "hard", "strict", "alert_at")
_PLACES = 12
_MOST_BUDGETS = 8
_LONGEST_NAMES = 60
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def read_budgets(owner: Reader) -> tuple[Budget, ...]:
    """Read every budget of a project or a key, faulty ones included: a fault keeps the document out of service."""
    budgets: list[Budget] = []
    items = owner.items("budgets", example='[{"amount": "100", "period": "month"}]', most=_MOST_BUDGETS)
    for index, item in enumerate(items):
        reader = owner.entry("budgets", index, item)
        budget = _budget(reader)
        taken = {other.id for other in budgets}
        if budget.id in taken and reader.given("id"):
            reader.error("id", f"belongs to another budget as well: {budget.id!r}", "an id of its own")
        elif budget.id in taken:
            budget = replace(budget, id=next(name for n in count(2) if (name := f"{budget.id}-{n}") not in taken))
        budgets.append(budget)
    return tuple(budgets)


def _budget(reader: Reader) -> Budget:
    reader.unknown(_KNOWN)
    amount = reader.number("amount", least=Decimal(0), most=MOST_MONEY)
    if not reader.given("amount"):
        reader.error("amount", "is missing", 'an amount such as "100.00"')
    elif amount is not None and amount.is_zero():
        reader.warn("amount", "is 0, so that every call is refused", 'an amount such as "100.00"')
    elif amount is not None and decimal_places(amount) > _PLACES:
        reader.error("amount", "has more than 12 decimal places", 'an amount such as "100.00"')
    zone = reader.text("timezone", example='"Europe/Berlin"') or "UTC"
    if not is_timezone(zone):
        reader.error("timezone", "is not a known time zone", 'an IANA name such as "Europe/Berlin"')
        zone = "UTC"
    period = reader.choice("period", Period) or Period.MONTH
    currency = read_currency(reader)
    models = frozenset(reader.texts("models", example='"gpt-4o"'))
    hard = reader.flag("hard", default=True)
    strict = reader.flag("strict", default=False)
    if strict and not hard:
        reader.error("strict", "is true for a budget that is not hard", "hard: true, or strict: false")
    return Budget(
        ceiling=Money(amount or Decimal(0), currency),
        period=period,
        timezone=zone,
        hard=hard,
        alert_at=_shares(reader),
        id=reader.name("id", unfit_name, example='"monthly"') or _default_id(period, currency, models),
        starts=_starts(reader, period),
        models=models,
        strict=strict,
    )


def _default_id(period: Period, currency: str, models: frozenset[str]) -> str:
    """Return an id that an edit of the amount keeps."""
    named = "+".join(sorted(models))
    if len(named) > _LONGEST_NAMES:
        named = sha256(named.encode()).hexdigest()[:16]
    return f"{period}-{currency}{f'-{named}' if named else ''}"


def _starts(reader: Reader, period: Period) -> int:
    """Read the weekday or month with which periods begin: its English name or its number."""
    value = reader.members.get("starts")
    names = {Period.WEEK: _WEEKDAYS, Period.QUARTER: _MONTHS, Period.YEAR: _MONTHS}.get(period)
    if value is None:
        return 1
    if names is None:
        reader.error("starts", f"is given for a period of one {period}", "a period of a week, a quarter or a year")
        return 1
    if isinstance(value, str) and not value.strip().isdecimal():
        meant = value.strip().lower()
        found = [place for place, name in enumerate(names, 1) if len(meant) > 2 and name.startswith(meant)]  # noqa: PLR2004 - "mon"
        if len(found) == 1:
            return found[0]
        reader.error("starts", "is unknown", f'a name such as "{names[0]}" or a number from 1 to {len(names)}')
        return 1
    return reader.whole("starts", least=1, most=len(names)) or 1


def _shares(reader: Reader) -> tuple[Decimal, ...]:
    shares: list[Decimal] = []
    for index, item in enumerate(reader.items("alert_at", example="[0.8, 1]")):
        share = decimal_of(item)
        if share is None or not 0 <= share <= 1:
            reader.error(f"alert_at[{index}]", "is not a share of the budget", "a number from 0 to 1, for example 0.8")
        else:
            shares.append(share)
    return tuple(shares)
