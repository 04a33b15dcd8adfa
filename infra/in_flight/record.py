"""The record of one process over memory that an adapter gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from application.ports.in_flight import InFlightCall, LeftBehind, SliceRow
from infra.in_flight import slots
from infra.in_flight.slots import FREE, ROW, SLOT, Memory

CALLS_AT_ONCE = 4096
"""Slots for calls that are made at a time."""
ROWS_AT_ONCE = 512


class SlotRecord:
    """Calls and slices of this process. See the port for the order of its methods.

    Args:
        holder: name of this process.
        allocate: returns more memory, all zeros: for ``calls`` or ``slices``, of so many bytes.
        kept: memory of slices that are there already.
    """

    def __init__(self, holder: str, allocate: Callable[[str, int], Memory], kept: Sequence[Memory] = ()) -> None:
        self.holder = holder
        self._allocate = allocate
        self._calls: list[tuple[Memory, int]] = []
        self._free: list[int] = []
        self._rows: list[tuple[Memory, int]] = []
        self._free_rows: list[int] = []
        self._slices: list[SliceRow | None] = []
        self._copies: list[int] = []
        self._row_of: dict[tuple[str, str], int] = {}
        self._operation = 0
        self._operations: dict[int, int] = {}
        for memory in kept:
            self._add_rows(memory)

    def row(self, subject: str, account: str) -> int:
        """Return the row of a slice, which is made if it does not exist."""
        found = self._row_of.get((subject, account))
        if found is not None:
            return found
        if not self._free_rows:
            self._add_rows(self._allocate("slices", ROWS_AT_ONCE * ROW))
        row = self._free_rows.pop()
        memory, at = self._rows[row]
        slots.open_row(memory, at, subject, account)
        self._slices[row] = SliceRow(subject, account)
        self._row_of[subject, account] = row
        return row

    def slice(self, row: int) -> SliceRow:
        """Return what a row says."""
        found = self._slices[row]
        if found is None:
            raise LookupError(row)
        return found

    def update(self, row: int, granted: int, known: int) -> None:
        """Note what the lease store granted, and what it knows."""
        self._operation += 1
        slice_ = self.slice(row)
        slice_.granted, slice_.known = granted, known
        self._write(row, self._operation, slice_)

    def close_row(self, row: int) -> None:
        """Forget a slice that has been given back."""
        slice_ = self.slice(row)
        memory, at = self._rows[row]
        memory[at] = FREE
        del self._row_of[slice_.subject, slice_.account]
        self._slices[row] = None
        self._free_rows.append(row)

    def kept(self) -> Sequence[tuple[int, SliceRow]]:
        """Return every slice as it is now, with its row."""
        return [(row, replace(slice_)) for row, slice_ in enumerate(self._slices) if slice_ is not None]

    def begin(self, call: InFlightCall) -> int:
        """Record a call that is about to reach an upstream; return its slot."""
        if not self._free:
            memory = self._allocate("calls", CALLS_AT_ONCE * SLOT)
            first = len(self._calls)
            self._calls += [(memory, n * SLOT) for n in range(CALLS_AT_ONCE)]
            self._free = list(range(first + CALLS_AT_ONCE - 1, first - 1, -1))
        slot = self._free.pop()
        memory, at = self._calls[slot]
        slots.write_call(memory, at, call)
        return slot

    def settling(self, slot: int, cost: int) -> None:
        """Note what a call cost, before its line is recorded."""
        self._operation += 1
        self._operations[slot] = self._operation
        memory, at = self._calls[slot]
        slots.write_settling(memory, at, self._operation, cost)

    def settled(self, slot: int, rows: Sequence[int], cost: int) -> None:
        """Count a call in its slices and remove it: its line is recorded."""
        if rows:
            operation = self._operations.pop(slot)
            for row in rows:
                slice_ = self.slice(row)
                slice_.spent += cost
                self._write(row, operation, slice_)
        memory, at = self._calls[slot]
        memory[at] = FREE
        self._free.append(slot)

    def count_calls(self, memories: Sequence[Memory]) -> None:
        """Count the calls that this process had under way when it died in their slices, once however often it dies."""
        found = [
            (operation, memory, at, call)
            for memory in memories
            for at in range(0, len(memory), SLOT)
            for call, operation in slots.read_calls(memory[at : at + SLOT])
            if call.cost is not None
        ]
        self._operation = max([self._operation, *(operation for operation, *_ in found)])
        # Those first that were being counted already: a slice tells only the last operation that it has seen.
        for known, memory, at, call in sorted(found, key=lambda one: (not one[0], one[0])):
            cost = call.cost or 0
            operation = known
            if not known:
                self._operation += 1
                operation = self._operation
                slots.write_settling(memory, at, operation, cost)
            for row in call.rows:
                current = slots.read_row(*self._rows[row]) if row < len(self._rows) else None
                if current is not None and current[1] < operation:
                    current[0].spent += cost
                    self._write(row, operation, current[0])

    def _write(self, row: int, operation: int, slice_: SliceRow) -> None:
        """Write a slice into the older of its copies."""
        self._slices[row] = slice_
        memory, at = self._rows[row]
        self._copies[row] ^= 1
        slots.write_row(memory, at, self._copies[row], operation, slice_)

    def _add_rows(self, memory: Memory) -> None:
        for at in range(0, len(memory), ROW):
            row = len(self._rows)
            self._rows.append((memory, at))
            self._copies.append(0)
            found = slots.read_row(memory, at)
            self._slices.append(None if found is None else found[0])
            if found is None:
                self._free_rows.append(row)
            else:
                self._row_of[found[0].subject, found[0].account] = row
                self._operation = max(self._operation, found[1])
                self._copies[row] = slots.latest_copy(memory, at)


def read_left_behind(holder: str, calls: Iterable[Memory], slices: Iterable[Memory]) -> LeftBehind:
    """Return what a dead process left behind. A call that it was counting when it died is counted to its end."""
    rows: list[SliceRow] = []
    last: list[int] = []
    for memory in slices:
        for at in range(0, len(memory), ROW):
            found = slots.read_row(memory, at)
            rows.append(SliceRow("", "") if found is None else found[0])
            last.append(0 if found is None else found[1])
    under_way: list[InFlightCall] = []
    for memory in calls:
        for call, operation in slots.read_calls(memory):
            named = tuple(row for row in call.rows if row < len(rows) and rows[row].subject)
            pending = [row for row in named if not operation or last[row] < operation]
            for row in pending:
                if call.cost is not None:
                    rows[row] = replace(rows[row], spent=rows[row].spent + call.cost)
            under_way.append(replace(call, rows=named))
    return LeftBehind(holder, tuple(under_way), tuple(rows))
