"""Reader of the members of one JSON object: checks types, and notes every fault instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from domain.documents.fault import Fault, Severity, kind_of, shown
from domain.documents.values import closest, decimal_of, unfit_text

Choice = TypeVar("Choice", bound=StrEnum)

MOST_ALIKE = 20
"""Faults of one kind that are named one by one: a document that is all wrong must not flood the report."""


class Reader:
    """The members of one object. ``null`` counts as missing.

    Args:
        members: the object.
        path: its place in the document; empty if it is the document.
        faults: where faults are noted; shared with the readers of nested objects.
        discreet: values never appear in faults, because one of them may be a secret.
    """

    __slots__ = ("_discreet", "_faults", "_path", "members")

    def __init__(
        self, members: Mapping[str, object], path: str, faults: list[Fault], *, discreet: bool = False
    ) -> None:
        self.members = members
        self._path = path
        self._faults = faults
        self._discreet = discreet

    def error(self, name: str, wrong: str, expected: str) -> None:
        """Note a fault that keeps the document out of service."""
        self._faults.append(Fault(self._at(name), wrong, expected))

    def warn(self, name: str, wrong: str, expected: str) -> None:
        """Note a fault with which the document can serve."""
        self._faults.append(Fault(self._at(name), wrong, expected, Severity.WARNING))

    def given(self, name: str) -> bool:
        """Tell whether the member is given."""
        return self.members.get(name) is not None

    def text(self, name: str, *, example: str, required: bool = False) -> str | None:
        """Read a text without the spaces around it; None if missing, empty or faulty."""
        value = self.members.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                self.error(name, "is missing" if value is None else "is empty", example)
            return None
        if not isinstance(value, str):
            self.error(name, f"is {kind_of(value)}", f"text, for example {example}")
            return None
        unfit = unfit_text(value)
        if unfit is not None:
            self.error(name, unfit, f"plain text, for example {example}")
            return None
        return value.strip()

    def name(
        self, name: str, unfit: Callable[[str], str | None], *, example: str, required: bool = False
    ) -> str | None:
        """Read a text that is used as an id or a public name, taken literally."""
        value = self.members.get(name)
        if not isinstance(value, str) or not value:
            return self.text(name, example=example, required=required)
        wrong = unfit(value)
        if wrong is not None:
            self.error(name, wrong, f"a name such as {example}")
            return None
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self.members.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            meant = value.strip().lower()
            self.warn(name, "is text", f"{meant} without quotation marks")
            return meant == "true"
        self.error(name, f"is {self._shown(value)}", "true or false")
        return default

    def number(self, name: str, *, least: Decimal, most: Decimal, above: bool = False) -> Decimal | None:
        """Read a number, or a number written as text, within bounds (``above``: the lower one is excluded)."""
        value = self.members.get(name)
        if value is None:
            return None
        right = f"a number {'above' if above else 'from'} {least:f} {'and at most' if above else 'to'} {most:f}"
        exact = decimal_of(value)
        if exact is None:
            comma = isinstance(value, str) and decimal_of(value.replace(",", ".")) is not None
            self.error(
                name, f"is {self._shown(value)}, not a number", f"{right}{', with a decimal point' if comma else ''}"
            )
            return None
        if exact > most or exact < least or (above and exact == least):
            self.error(name, f"is {self._shown(value)}, out of range", right)
            return None
        return abs(exact) if exact.is_zero() else exact

    def whole(self, name: str, *, least: int, most: int) -> int | None:
        """Read a whole number, or one written as text, within bounds."""
        exact = self.number(name, least=Decimal(least), most=Decimal(most))
        if exact is None:
            return None
        if exact != int(exact):
            self.error(
                name, f"is {self._shown(self.members[name])}, not a whole number", f"a whole number of {least} or more"
            )
            return None
        return int(exact)

    def texts(self, name: str, *, example: str, most: int | None = None) -> tuple[str, ...]:
        """Read a list of texts, faulty ones left out."""
        found: list[str] = []
        before = len(self._faults)
        for index, value in enumerate(self.items(name, example=f"[{example}]", most=most)):
            one = Reader({"": value}, f"{self._at(name)}[{index}]", self._faults, discreet=self._discreet)
            text = one.text("", example=example, required=True)
            if text is not None:
                found.append(text)
            elif len(self._faults) - before >= MOST_ALIKE:
                self.error(name, "has more faulty entries", "the faults above to be fixed first")
                break
        return tuple(found)

    def items(self, name: str, *, example: str, most: int | None = None) -> Sequence[object]:
        """Read a list of anything; empty if missing or not a list. Of one that is too long only the first ``most``."""
        value = self.members.get(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            self.error(name, f"is {self._shown(value)}, not a list", f"a list, for example {example}")
            return ()
        if most is not None and len(value) > most:
            self.error(name, f"has {len(value)} entries", f"at most {most}")
        return value[:most]

    def choice(self, name: str, options: type[Choice]) -> Choice | None:
        """Read one of a few known texts."""
        value = self.members.get(name)
        for option in options:
            if value == option.value:
                return option
        known = ", ".join(options)
        if value is None or not isinstance(value, str):
            self.error(name, "is missing" if value is None else f"is {kind_of(value)}", f"one of {known}")
            return None
        meant = closest(value, options, cutoff=0.6)
        expected = f"did you mean '{meant}'?" if meant else f"one of {known}"
        self.error(name, f"unknown value {self._shown(value)}", expected)
        return None

    def names(self, name: str, known: Sequence[str]) -> frozenset[str]:
        """Read a list of known names, unknown ones left out."""
        found: set[str] = set()
        for value in self.texts(name, example=f'"{known[0]}"', most=2 * len(known)):
            if value in known:
                found.add(value)
            else:
                meant = closest(value, known)
                expected = f"did you mean '{meant}'?" if meant else f"any of {', '.join(known)}"
                self.error(name, f"unknown value {self._shown(value)}", expected)
        return frozenset(found)

    def table(self, name: str, *, discreet: bool = False) -> Reader:
        """Return the reader of a nested object; an empty one if it is missing or not an object."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, Mapping):
            self.error(name, f"is {kind_of(value)}", "an object: { ... }")
        members = value if isinstance(value, Mapping) else {}
        return Reader(members, self._at(name), self._faults, discreet=discreet or self._discreet)

    def entry(self, name: str, index: int, value: object) -> Reader:
        """Return the reader of an object that is an item of a list."""
        if not isinstance(value, Mapping):
            self.error(f"{name}[{index}]", f"is {kind_of(value)}", "an object: { ... }")
        return Reader(value if isinstance(value, Mapping) else {}, f"{self._at(name)}[{index}]", self._faults)

    def unknown(self, known: Collection[str]) -> None:
        """Warn of unknown members, with the name that was probably meant. Of very many only the first are named."""
        unknown = [name for name in self.members if name not in known]
        for count, name in enumerate(unknown):
            if count == MOST_ALIKE:
                self.warn("", f"has {len(unknown) - count} more unknown fields", "none")
                break
            meant = closest(str(name), known)
            expected = f"did you mean '{meant}'?" if meant else "a documented field; this one is kept but not read"
            self.warn(name, "unknown field", expected)

    def _shown(self, value: object) -> str:
        return kind_of(value) if self._discreet else shown(value)

    def _at(self, name: str) -> str:
        # Names come from the document as well: a long or unprintable one must not spoil the report.
        plain = str(name)
        printable = plain if plain.isprintable() and len(plain) <= 80 else shown(plain)  # noqa: PLR2004 - a line's width
        return f"{self._path}.{printable}" if self._path and printable else self._path + printable
