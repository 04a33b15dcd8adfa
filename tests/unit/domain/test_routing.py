from __future__ import annotations

import random
from collections import Counter

from domain.routing import order
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
