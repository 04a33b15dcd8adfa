"""Impact of a catalogue change: which projects gain or lose which model, and how prices change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

from domain.billing_units import BY_PRICE
from domain.model import ModelDocument
from domain.money import Money
from domain.pricing import PriceList

_PERCENT = Context(prec=4)


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Some projects gain or lose a model: a public name with at least one enabled document that they may use.

    Args:
        model: the public name.
        gains: ``True`` = they gain it, ``False`` = they lose it.
        everyone: every project does, also one that is made later, apart from ``projects``.
        projects: who does; or, of everyone, who does not (they had it before, or keep it).
        unknown: those of ``projects`` that documents list but the store does not have.
    """

    model: str
    gains: bool
    everyone: bool
    projects: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One price of one document changes.

    Args:
        document_id: the document.
        model: its public name.
        price: ``input``, ``cached_input``, ``image 1024x1024`` ...
        per: what it is the price of: ``1,000,000 tokens``, ``image`` ...
        old: the price before; None if absent.
        new: the price after; None if absent.
        everyone: every project may use the document.
        projects: otherwise, who may.
        instead_of: the document that this one replaces as the only one of its model; empty = it is the same document.
    """

    document_id: str
    model: str
    price: str
    per: str
    old: Money | None
    new: Money | None
    everyone: bool
    projects: tuple[str, ...]
    instead_of: str = ""

    @property
    def difference(self) -> Decimal | None:
        """New minus old, exactly; None if one of them is missing or the currencies differ."""
        if self.old is None or self.new is None or self.old.currency != self.new.currency:
            return None
        return self.new.amount - self.old.amount

    @property
    def percent(self) -> Decimal | None:
        """Difference in per cent of the old price, to four digits; None if undefined or the old price is 0."""
        difference = self.difference
        if difference is None or self.old is None or not self.old.amount:
            return None
        return _PERCENT.divide(difference * 100, self.old.amount)


def access_changes(
    before: Iterable[ModelDocument], after: Iterable[ModelDocument], known: Collection[str]
) -> tuple[AccessChange, ...]:
    """List which projects gain or lose which model, ordered by model; ``known`` are the ids of the stored projects."""
    old, new = _audiences(before), _audiences(after)
    no_access: tuple[bool, frozenset[str]] = (False, frozenset())
    changes: list[AccessChange] = []
    for model in sorted(old.keys() | new.keys()):
        (was_public, had), (is_public, has) = old.get(model, no_access), new.get(model, no_access)
        if was_public != is_public:
            # Projects on the list of the private side have the model before and after.
            changes.append(_access(model, had if is_public else has, known, gains=is_public, everyone=True))
        elif not is_public:
            changes += (
                _access(model, projects, known, gains=gains, everyone=False)
                for gains, projects in ((True, has - had), (False, had - has))
                if projects
            )
    return tuple(changes)


def price_changes(before: Iterable[ModelDocument], after: Iterable[ModelDocument]) -> tuple[PriceChange, ...]:
    """Every price that changes, ordered by document.

    Compared are the documents that are there before and after, and a document that takes the place of another one as
    the only one of its model: whoever calls the model pays the new price then, too.
    """
    old = {document.id: document for document in before}
    new = {document.id: document for document in after}
    only_old, only_new = _only_ones(old.values()), _only_ones(new.values())
    changes: list[PriceChange] = []
    for document_id, document in sorted(new.items()):
        earlier = old.get(document_id)
        if earlier is None and only_new.get(document.code) is document:
            earlier = only_old.get(document.code)
        if earlier is not None:
            changes += _of_document(earlier, document)
    return tuple(changes)


def _access(
    model: str, projects: Iterable[str], known: Collection[str], *, gains: bool, everyone: bool
) -> AccessChange:
    listed = tuple(sorted(projects))
    return AccessChange(model, gains, everyone, listed, tuple(one for one in listed if one not in known))


def _audiences(documents: Iterable[ModelDocument]) -> dict[str, tuple[bool, frozenset[str]]]:
    """For each public name whether everybody may use it, and who else is listed."""
    found: dict[str, tuple[bool, frozenset[str]]] = {}
    for document in documents:
        if document.enabled:
            public, listed = found.get(document.code, (False, frozenset()))
            more = document.projects if document.private else frozenset()
            found[document.code] = (public or not document.private, listed | more)
    return found


def _only_ones(documents: Iterable[ModelDocument]) -> dict[str, ModelDocument | None]:
    """Map each model to its only enabled deployment; None if it has several."""
    found: dict[str, ModelDocument | None] = {}
    for document in documents:
        if document.enabled:
            found[document.code] = None if document.code in found else document
    return found


def _of_document(earlier: ModelDocument, document: ModelDocument) -> Iterator[PriceChange]:
    old, new = _named(earlier.prices), _named(document.prices)
    for price in dict.fromkeys([*old, *new]):
        if old.get(price) != new.get(price):
            yield PriceChange(
                document_id=document.id,
                model=document.code,
                price=price,
                per=_per(price),
                old=old.get(price),
                new=new.get(price),
                everyone=not document.private,
                projects=tuple(sorted(document.projects)) if document.private else (),
                instead_of="" if earlier.id == document.id else earlier.id,
            )


def _named(prices: PriceList) -> Mapping[str, Money]:
    return {name: Money(price, prices.currency) for name, price in prices.each()}


def _per(price: str) -> str:
    return BY_PRICE[price.partition(" ")[0]].per_label
