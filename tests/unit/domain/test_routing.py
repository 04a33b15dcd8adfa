from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.model import Affinity, ModelDocument, Strategy
from domain.pricing import PriceList
from domain.routing import Idle, order, shares, strategy_of
from tests.builders import model_document


def test_lower_priority_goes_first() -> None:
    spare, main = model_document(id="spare", priority=10), model_document(id="main", priority=1)
    assert [document.id for document in order([spare, main], random.Random(1).random)] == ["main", "spare"]


def test_weights_share_the_calls() -> None:
    heavy, light = model_document(id="heavy", weight=9), model_document(id="light", weight=1)
    chance = random.Random(7)
    first = Counter(order([heavy, light], chance.random)[0].id for _ in range(4000))
    assert 3450 < first["heavy"] < 3750


def test_weight_nought_is_a_spare() -> None:
    spare, main = model_document(id="spare", weight=0), model_document(id="main", weight=1)
    chance = random.Random(7)
    assert {order([spare, main], chance.random)[0].id for _ in range(200)} == {"main"}


def test_nothing_gets_lost() -> None:
    documents = [model_document(id=str(n), priority=n % 3, weight=n) for n in range(20)]
    assert {document.id for document in order(documents, random.random)} == {str(n) for n in range(20)}


def test_chance_of_exactly_nought_is_fine() -> None:
    documents = [model_document(id="a"), model_document(id="b")]
    assert len(order(documents, lambda: 0.0)) == 2


def test_shares_are_what_the_order_comes_to() -> None:
    documents = [
        model_document(id="spare", weight=0),
        model_document(id="light", weight=1),
        model_document(id="heavy", weight=3),
        model_document(id="first", weight=0, priority=1),
        model_document(id="second", weight=0, priority=1),
    ]
    found = shares(documents)
    assert [(document.id, share) for document, share in found] == [
        ("heavy", Fraction(3, 4)),
        ("light", Fraction(1, 4)),
        ("spare", Fraction(0)),
        ("first", Fraction(1, 2)),
        ("second", Fraction(1, 2)),
    ]
    chance = random.Random(7)
    orders = [order(documents, chance.random) for _ in range(2000)]
    for place in (0, 3):
        counted = Counter(one[place].id for one in orders)
        for document, share in found:
            if document.priority == place // 3:
                assert abs(counted[document.id] - share * 2000) < 100
    assert shares([]) == []


class Measured(Idle):
    """A load that a test makes up."""

    def __init__(self, busy: dict[str, int] | None = None, latency: dict[str, float] | None = None) -> None:
        self.calls = busy or {}
        self.seconds = latency or {}
        self.out: set[str] = set()
        self.turns = 0

    def busy(self, document: ModelDocument) -> int:
        return self.calls.get(document.id, 0)

    def latency(self, document: ModelDocument) -> float | None:
        return self.seconds.get(document.id)

    def turn(self, _code: str) -> int:
        self.turns += 1
        return self.turns

    def shut_out(self, _deployments: Sequence[ModelDocument]) -> set[str]:
        return self.out


def four(strategy: Strategy | None = None, **over: Any) -> list[ModelDocument]:
    return [model_document(id=name, routing=strategy, **over) for name in "abcd"]


def test_round_robin_takes_turns_and_keeps_spares_behind() -> None:
    documents = [*four(Strategy.ROUND_ROBIN), model_document(id="spare", weight=0), model_document(id="z", priority=1)]
    load = Measured()
    orders = [[each.id for each in order(documents, random.random, load)] for _ in range(8)]
    assert Counter(one[0] for one in orders) == dict.fromkeys("abcd", 2)
    assert {tuple(one[4:]) for one in orders} == {("spare", "z")}


def test_least_busy_prefers_the_less_busy_of_two_for_its_weight() -> None:
    heavy = model_document(id="heavy", weight=4, routing=Strategy.LEAST_BUSY)
    light = model_document(id="light", weight=1)
    assert order([heavy, light], random.random, Measured({"heavy": 3, "light": 1}))[0] is heavy
    assert order([heavy, light], random.random, Measured({"heavy": 5, "light": 1}))[0] is light


def test_latency_prefers_the_fastest_and_measures_the_others_again_now_and_then() -> None:
    load = Measured(latency={"a": 0.9, "b": 0.2, "c": 0.9, "d": 0.9})
    chance = random.Random(3)
    first = Counter(order(four(Strategy.LATENCY), chance.random, load)[0].id for _ in range(2000))
    assert first["b"] > 1850
    assert min(first[name] for name in "acd") > 10


def test_a_deployment_never_measured_is_measured_first() -> None:
    load = Measured(latency={"a": 0.1, "b": 0.1, "c": 0.1})
    assert order(four(Strategy.LATENCY), lambda: 0.5, load)[0].id == "d"


def test_cost_prefers_the_cheapest_and_compares_no_currencies() -> None:
    cheap = model_document(id="cheap", routing=Strategy.COST, prices=PriceList(input=Decimal(1), output=Decimal(2)))
    dear = model_document(id="dear", prices=PriceList(input=Decimal(3), output=Decimal(2)))
    other = model_document(id="other", prices=PriceList("BRL", input=Decimal("0.1"), output=Decimal("0.1")))
    assert [each.id for each in order([other, dear, cheap], random.random)] == ["cheap", "dear", "other"]


@given(
    strategy=st.sampled_from(Strategy),
    settings=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1, max_size=8),
    affinity=st.none() | st.binary(max_size=20),
    seed=st.integers(),
)
def test_every_order_is_a_permutation_by_priority_with_the_shut_out_last(
    strategy: Strategy, settings: list[tuple[int, int, bool]], affinity: bytes | None, seed: int
) -> None:
    documents = [
        model_document(id=str(number), priority=priority, weight=weight, routing=strategy)
        for number, (priority, weight, _) in enumerate(settings)
    ]
    load = Measured({str(number): number for number in range(len(documents))})
    load.out = {str(number) for number, (_, _, out) in enumerate(settings) if out}
    found = order(documents, random.Random(seed).random, load, affinity=affinity)
    assert sorted(each.id for each in found) == sorted(each.id for each in documents)
    if len(found) > 1:
        ranks = [(each.id in load.out, each.priority, each.weight <= 0) for each in found]
        assert ranks == sorted(ranks)


def test_affinity_is_the_same_everywhere_and_moves_only_the_share_of_a_lost_deployment() -> None:
    documents = four(affinity=Affinity.PROMPT_CACHE)
    keys = [f"prompt {number}".encode() for number in range(2000)]
    before = {key: order(documents, random.random, affinity=key)[0].id for key in keys}
    assert before == {key: order(documents[::-1], lambda: 0.5, affinity=key)[0].id for key in keys}
    assert all(400 < count < 600 for count in Counter(before.values()).values())
    after = {key: order(documents[1:], random.random, affinity=key)[0].id for key in keys}
    assert {before[key] for key in keys if before[key] != after[key]} == {"a"}


def test_affinity_follows_the_weights() -> None:
    documents = [model_document(id="heavy", weight=3), model_document(id="light", weight=1)]
    first = Counter(order(documents, random.random, affinity=str(n).encode())[0].id for n in range(4000))
    assert 2850 < first["heavy"] < 3150


def test_affinity_passes_over_a_deployment_that_is_overloaded_or_shut_out() -> None:
    documents = four()
    preferred = order(documents, random.random, affinity=b"prompt")[0].id
    assert order(documents, random.random, Measured({preferred: 4}), affinity=b"prompt")[0].id == preferred
    assert order(documents, random.random, Measured({preferred: 40}), affinity=b"prompt")[0].id != preferred
    load = Measured()
    load.out = {preferred}
    assert order(documents, random.random, load, affinity=b"prompt")[0].id != preferred


def test_the_last_deployment_is_never_shut_out() -> None:
    documents = four()
    load = Measured()
    load.out = set("abcd")
    assert len(order(documents, random.random, load)) == 4


def test_where_documents_disagree_the_one_with_the_lowest_priority_decides() -> None:
    first = model_document(id="b", routing=Strategy.COST)
    second = model_document(id="a", priority=1, routing=Strategy.LATENCY)
    assert strategy_of([second, first]) is Strategy.COST
    assert strategy_of([model_document()]) is None
