"""The order in which the deployments of a model are tried. Pure functions: chance and load come in as arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from math import log
from typing import Protocol

from domain.model import ModelDocument, Strategy

EXPLORATION = 0.05
"""Share of the calls that the ``latency`` strategy hands out by weight, so that a deployment that was slow once is
measured again."""

_OVERLOAD_FACTOR, _OVERLOAD_CALLS = 2, 4
"""A deployment with more calls under way than this many times its peers' average, and this many more, is overloaded:
prompt-cache affinity passes it over."""


class Load(Protocol):
    """State of the deployments at the moment of a call."""

    def busy(self, document: ModelDocument) -> int:
        """Return the number of calls under way."""

    def latency(self, document: ModelDocument) -> float | None:
        """Return the recent time to the first byte in seconds; None before the first call."""

    def turn(self, code: str) -> int:
        """Return the next number of a count that goes up by one with each call of a model."""

    def shut_out(self, deployments: Sequence[ModelDocument]) -> Collection[str]:
        """Return the ids of those that should take no call now: open circuit breaker, or an announced rate limit."""


class Idle:
    """The load of deployments of which nothing is known."""

    def busy(self, _document: ModelDocument) -> int:
        """Return 0."""
        return 0

    def latency(self, _document: ModelDocument) -> float | None:
        """Return None."""
        return None

    def turn(self, _code: str) -> int:
        """Return 0."""
        return 0

    def shut_out(self, _deployments: Sequence[ModelDocument]) -> Collection[str]:
        """Return nothing."""
        return ()


IDLE = Idle()


def strategy_of(deployments: Sequence[ModelDocument]) -> Strategy | None:
    """Return what the first deployment that names a strategy says, by priority and id; None if none does."""
    named = [document for document in deployments if document.routing is not None]
    first = min(named, key=lambda document: (document.priority, document.id), default=None)
    return None if first is None else first.routing


def order(
    deployments: Sequence[ModelDocument],
    random: Callable[[], float],
    load: Load = IDLE,
    *,
    default: Strategy = Strategy.WEIGHTED,
    affinity: bytes | None = None,
) -> list[ModelDocument]:
    """Return the deployments in the order in which to try them: lower priority first, within it by strategy.

    Deployments that should take no call now come last: they are tried only where every other one has failed, so that
    the last deployment of a model is never shut out completely.

    Args:
        deployments: the documents to choose from.
        random: gives numbers from 0 up to but not including 1.
        load: what is known of the deployments.
        default: the strategy of models whose documents name none.
        affinity: calls with equal keys prefer the same deployment, while that is healthy and not overloaded.

    A document of weight 0 comes after every other one of its priority: a spare.
    """
    if len(deployments) == 1:
        return list(deployments)
    strategy = strategy_of(deployments) or default
    ranked = _ORDERS[strategy](deployments, random, load)
    shut_out = load.shut_out(deployments)
    if affinity is not None:
        ranked = _preferred(ranked, affinity, load, shut_out)
    if shut_out:
        ranked.sort(key=lambda document: document.id in shut_out)
    return ranked


def _weighted(deployments: Sequence[ModelDocument], random: Callable[[], float], _load: Load) -> list[ModelDocument]:
    # Efraimidis and Spirakis (2006): sorting by u^(1/w) descending is weighted sampling without replacement.
    def rank(document: ModelDocument) -> tuple[int, bool, float]:
        if document.weight <= 0:
            return (document.priority, True, random())
        return (document.priority, False, -(random() ** (1 / document.weight)))

    return sorted(deployments, key=rank)


def _round_robin(deployments: Sequence[ModelDocument], _random: Callable[[], float], load: Load) -> list[ModelDocument]:
    groups: dict[tuple[int, bool], list[ModelDocument]] = {}
    for document in sorted(deployments, key=lambda each: each.id):
        groups.setdefault((document.priority, document.weight <= 0), []).append(document)
    turn = load.turn(deployments[0].code)
    rotated = ((group, turn % len(group)) for _, group in sorted(groups.items(), key=lambda item: item[0]))
    return [document for group, first in rotated for document in (*group[first:], *group[:first])]


def _least_busy(deployments: Sequence[ModelDocument], random: Callable[[], float], load: Load) -> list[ModelDocument]:
    ranked = _weighted(deployments, random, load)
    first, second = ranked[0], ranked[1]
    comparable = first.priority == second.priority and first.weight > 0 and second.weight > 0
    if comparable and load.busy(second) * first.weight < load.busy(first) * second.weight:
        ranked[0], ranked[1] = second, first
    return ranked


def _fastest(deployments: Sequence[ModelDocument], random: Callable[[], float], load: Load) -> list[ModelDocument]:
    ranked = _weighted(deployments, random, load)
    if random() < EXPLORATION:
        return ranked
    return sorted(ranked, key=lambda each: (each.priority, each.weight <= 0, load.latency(each) or 0.0))


def _cheapest(deployments: Sequence[ModelDocument], random: Callable[[], float], load: Load) -> list[ModelDocument]:
    ranked = _weighted(deployments, random, load)
    currency = min(deployments, key=lambda each: each.id).prices.currency
    return sorted(
        ranked,
        key=lambda each: (
            each.priority,
            each.weight <= 0,
            each.prices.currency != currency,  # amounts in two currencies are not compared
            each.prices.typical_cost,
        ),
    )


_ORDERS: Mapping[Strategy, Callable[[Sequence[ModelDocument], Callable[[], float], Load], list[ModelDocument]]] = {
    Strategy.WEIGHTED: _weighted,
    Strategy.ROUND_ROBIN: _round_robin,
    Strategy.LEAST_BUSY: _least_busy,
    Strategy.LATENCY: _fastest,
    Strategy.COST: _cheapest,
}


def _preferred(
    ranked: list[ModelDocument], affinity: bytes, load: Load, shut_out: Collection[str]
) -> list[ModelDocument]:
    """Move the deployment that a key prefers to the front of the first priority that can take calls."""
    able = [document for document in ranked if document.id not in shut_out]
    if not able:
        return ranked
    peers = [each for each in able if each.priority == able[0].priority and (each.weight > 0 or able[0].weight <= 0)]
    busy = {document.id: load.busy(document) for document in peers}
    most = _OVERLOAD_FACTOR * sum(busy.values()) / len(peers) + _OVERLOAD_CALLS
    free = [document for document in peers if busy[document.id] <= most]
    chosen = max(free or peers, key=lambda document: _score(affinity, document))
    ranked.remove(chosen)
    ranked.insert(0, chosen)
    return ranked


def _score(key: bytes, document: ModelDocument) -> float:
    """Return the weighted rendezvous score: each key ranks the deployments its own way, alike in every process.

    Where a deployment is added or removed, only the keys that prefer it move.
    """
    digest = blake2b(b"\0".join((document.id.encode(), key)), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 1) / (2**64 + 1)
    return -max(document.weight, 1) / log(uniform)


def shares(deployments: Sequence[ModelDocument]) -> list[tuple[ModelDocument, Fraction]]:
    """Return what weights come to over many calls: whose turn is first, and how often.

    Returns:
        The deployments with the share of the calls that reach their priority and go to them first: by priority, then
        the larger share, then the id.
    """
    weights: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for document in deployments:
        weights[document.priority] = weights.get(document.priority, 0) + max(document.weight, 0)
        sizes[document.priority] = sizes.get(document.priority, 0) + 1

    def share(document: ModelDocument) -> Fraction:
        together = weights[document.priority]
        return Fraction(max(document.weight, 0), together) if together else Fraction(1, sizes[document.priority])

    found = [(document, share(document)) for document in deployments]
    return sorted(found, key=lambda one: (one[0].priority, -one[1], one[0].id))
