"""Other models for a call whose own model cannot serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from application.serving.admit import admit
from domain.call import Call
from domain.catalog import Catalog
from domain.errors import GatewayError
from domain.fallbacks import reason_of
from domain.model import ModelDocument
from domain.project import Caller


class Fallbacks:
    """The models that the first candidate of a call names, one after the other, each once.

    Args:
        call: the call.
        caller: its project decides which models may be used.
        first: the first candidate.
        catalog: when the call was admitted.
        order: puts the deployments of a model in an order.
    """

    def __init__(
        self,
        call: Call,
        caller: Caller,
        first: ModelDocument,
        catalog: Catalog,
        order: Callable[[Call, Sequence[ModelDocument]], list[ModelDocument]],
    ) -> None:
        self._call = call
        self._caller = caller
        self._first = first
        self._catalog = catalog
        self._order = order
        self._tried: set[str] = set()

    def after(self, failure: GatewayError) -> Sequence[ModelDocument]:
        """Return the deployments of the next model for this failure; empty if there is none.

        Models that the project may not use, or that cannot do the operation, are passed over.
        """
        reason = reason_of(failure)
        for code in () if reason is None else self._first.fallbacks_for.get(reason, ()):
            if code in self._tried:
                continue
            self._tried.add(code)
            try:
                return admit(replace(self._call, model=code), self._caller, self._catalog, self._order)
            except GatewayError:
                continue
        return ()
