"""In which order the deployments of a model are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
