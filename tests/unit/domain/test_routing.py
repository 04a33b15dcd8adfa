from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

from domain.routing import order, shares
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
