"""Accounts as JSON. Amounts are text: units of 10^-12 do not fit into the doubles that some stores keep numbers in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.budget_account import BudgetAccount, Slice
from domain.leases import Leases
from domain.rate_account import RateAccount, RateSlice, SlotAccount, Slots


def to_json(leases: Leases) -> dict[str, Any]:
    """Return the accounts as plain JSON values."""
    return {
        "holders": dict(leases.holders),
        "budgets": {key: _budget(budget) for key, budget in leases.budgets.items()},
        "rates": {
            key: {
                "level": str(rate.level),
                "level_at_ms": rate.level_at_ms,
                "slices": {
                    holder: [str(one.granted), str(one.used), one.expires_ms] for holder, one in rate.slices.items()
                },
            }
            for key, rate in leases.rates.items()
        },
        "slots": {
            key: {holder: [one.count, one.expires_ms] for holder, one in account.slots.items()}
            for key, account in leases.slots.items()
        },
    }


def from_json(body: Mapping[str, Any]) -> Leases:
    """Return the accounts that :func:`to_json` wrote.

    Raises:
        ValueError: it is something else: another program wrote to the store.
    """
    try:
        return Leases(
            holders={holder: int(at_ms) for holder, at_ms in body["holders"].items()},
            budgets={key: _account(value) for key, value in body["budgets"].items()},
            rates={
                key: RateAccount(
                    int(value["level"]),
                    int(value["level_at_ms"]),
                    {holder: RateSlice(*map(int, one)) for holder, one in value["slices"].items()},
                )
                for key, value in body["rates"].items()
            },
            slots={
                key: SlotAccount({holder: Slots(*map(int, one)) for holder, one in value.items()})
                for key, value in body["slots"].items()
            },
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the accounts of a subject ({type(error).__name__})") from None


_AMOUNTS = ("amount", "base", "reported", "exposure")
_TIMES = ("base_at_ms", "wanted_ms", "opened_ms")


def _budget(budget: BudgetAccount) -> dict[str, Any]:
    return {
        **{name: str(getattr(budget, name)) for name in _AMOUNTS},
        **{name: getattr(budget, name) for name in _TIMES},
        "ends_ms": budget.ends_ms,
        "alerted": list(budget.alerted),
        "slices": {holder: [str(one.granted), str(one.spent)] for holder, one in budget.slices.items()},
    }


def _account(value: Mapping[str, Any]) -> BudgetAccount:
    return BudgetAccount(
        **{name: int(value[name]) for name in (*_AMOUNTS, *_TIMES)},
        ends_ms=None if value["ends_ms"] is None else int(value["ends_ms"]),
        alerted=[str(one) for one in value["alerted"]],
        slices={holder: Slice(*map(int, one)) for holder, one in value["slices"].items()},
    )
