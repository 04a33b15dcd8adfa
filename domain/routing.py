"""In which order the deployments of a model are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from domain.model import ModelDocument


def order(deployments: Sequence[ModelDocument], random: Callable[[], float]) -> list[ModelDocument]:
    """Lower priority first; within one priority by chance, in proportion to the weights.

    Args:
        deployments: the documents to choose from.
        random: gives numbers from 0 up to but not including 1.

    A document of weight 0 comes after every other one of its priority: a spare.
    """
    if len(deployments) == 1:
        return list(deployments)

    # Efraimidis and Spirakis (2006): sorting by u^(1/w) descending is weighted sampling without replacement.
    def rank(document: ModelDocument) -> tuple[int, bool, float]:
        if document.weight <= 0:
            return (document.priority, True, random())
        return (document.priority, False, -(random() ** (1 / document.weight)))

    return sorted(deployments, key=rank)


def shares(deployments: Sequence[ModelDocument]) -> list[tuple[ModelDocument, Fraction]]:
    """What :func:`order` comes to over many calls: whose turn is first, and how often.

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
