"""Read the plan of a load test."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.documents.fault import Fault, no_object
from domain.documents.reader import Reader
from domain.load_test import MOST_MINUTES, MOST_RPS, TIERS, LoadPlan, Tier
from domain.money import to_units

_MEMBERS = frozenset(
    {"tier", "duration_minutes", "target_rps", "models", "providers", "max_cost", "stream", "max_tokens", "project"}
)
_LEAST = Decimal("0.01")
_MOST_COST = Decimal(1_000_000)
_MOST_TOKENS = 100_000
_MOST_MODELS = 100
_TOKENS = 64


def read_plan(body: object) -> tuple[LoadPlan | None, tuple[Fault, ...]]:
    """Read a plan.

    Returns:
        The plan, or None if there are faults. Unknown members are faults: a test that costs money must not ignore any.
    """
    if not isinstance(body, Mapping):
        return None, (no_object(body),)
    faults: list[Fault] = []
    reader = Reader(body, "", faults)
    tier = reader.choice("tier", Tier) if reader.given("tier") else Tier.SMOKE
    rps = reader.number("target_rps", least=_LEAST, most=Decimal(MOST_RPS))
    minutes = reader.number("duration_minutes", least=_LEAST, most=Decimal(MOST_MINUTES))
    models = reader.texts("models", example='["gpt-4o-mini"]', most=_MOST_MODELS)
    providers = reader.texts("providers", example='["Azure"]', most=_MOST_MODELS)
    if not models and not providers:
        reader.error("models", "is missing", 'models such as ["gpt-4o-mini"], or "providers"')
    cost = reader.number("max_cost", least=Decimal(0), most=_MOST_COST, above=True)
    tokens = reader.whole("max_tokens", least=1, most=_MOST_TOKENS)
    stream = reader.flag("stream", default=True)
    project = reader.text("project", example='"billing"')
    reader.unknown(_MEMBERS)
    if faults or tier is None:
        return None, tuple(faults)
    usual_rps, usual_minutes = TIERS[tier]
    return LoadPlan(
        tier=tier,
        target_rps=usual_rps if rps is None else float(rps),
        minutes=usual_minutes if minutes is None else float(minutes),
        models=models,
        providers=providers,
        max_cost_units=None if cost is None else to_units(cost),
        stream=stream,
        max_tokens=tokens or _TOKENS,
        project=project,
    ), ()
