"""The layout of the record: fixed slots in shared memory, which may be the pages of a file.

A slot's body is written first and its state byte last; a slice has two copies with a sequence number, of which the
newer complete one counts. So a process that is killed at any instruction leaves behind something that can be read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from application.ports.in_flight import InFlightCall, SliceRow

Memory = memoryview | bytearray

SLOT = 512
ROW = 1024
FREE, TAKEN, SETTLING = 0, 1, 2
MOST_ROWS = 8

# After the state byte: number of rows, length of the text, operation, time, tokens, cost (low and high 64 bits), rows.
_HEAD = struct.Struct("<BHQqqqQq8H")
_OPERATION_AT = 1 + struct.calcsize("<BH")
_COST_AT = 1 + struct.calcsize("<BHQqqq")
_TEXT_AT = 1 + _HEAD.size
_LONGEST = SLOT - _TEXT_AT
_COPY = struct.Struct("<QQqQqQqQ")
_COPIES_AT = (800, 800 + _COPY.size)
_LOW = (1 << 64) - 1
NO_COST = -(1 << 100)
_pack_head = _HEAD.pack_into


def write_call(memory: Memory, at: int, call: InFlightCall) -> None:
    """Write a call into a free slot."""
    names = (call.line_id, call.project, call.key_id, call.document_id, call.endpoint, call.request_id)
    text = "\0".join(names).encode("utf-8", "replace")[:_LONGEST]
    cost = NO_COST if call.cost is None else call.cost
    rows = call.rows
    padded = (0, 0, 0, 0, 0, 0, 0, 0) if not rows else (*rows, *(0,) * (MOST_ROWS - len(rows)))
    _pack_head(
        memory,
        at + 1,
        len(rows),
        len(text),
        0,
        call.time_ms,
        call.input_tokens,
        call.output_tokens,
        cost & _LOW,
        cost >> 64,
        *padded,
    )
    start = at + _TEXT_AT
    memory[start : start + len(text)] = text
    memory[at] = TAKEN


def write_settling(memory: Memory, at: int, operation: int, cost: int) -> None:
    """Note the final cost of a call, and the number of the operation that will count it in its slices."""
    struct.pack_into("<Q", memory, at + _OPERATION_AT, operation)
    struct.pack_into("<Qq", memory, at + _COST_AT, cost & _LOW, cost >> 64)
    memory[at] = SETTLING


def read_calls(memory: Memory) -> Iterator[tuple[InFlightCall, int]]:
    """Return every call in the slots, with the number of the operation that settles it; 0 if it is still under way."""
    for at in range(0, len(memory), SLOT):
        if memory[at] in {TAKEN, SETTLING}:
            count, length, operation, time_ms, sent, received, low, high, *rows = _HEAD.unpack_from(memory, at + 1)
            text = bytes(memory[at + _TEXT_AT : at + _TEXT_AT + length]).decode("utf-8", "replace")
            names = [*text.split("\0"), "", "", "", "", "", ""][:6]
            cost = low + (high << 64)
            call = InFlightCall(
                names[0],
                time_ms,
                names[1],
                names[2],
                names[3],
                names[4],
                names[5],
                sent,
                received,
                None if cost == NO_COST else cost,
                tuple(rows[: min(count, MOST_ROWS)]),
            )
            yield call, operation if memory[at] == SETTLING else 0


def open_row(memory: Memory, at: int, subject: str, account: str) -> None:
    """Write the names of a slice."""
    text = f"{subject}\0{account}".encode("utf-8", "replace")[: _COPIES_AT[0] - 3]
    memory[at + 1 : at + _COPIES_AT[1] + _COPY.size] = bytes(_COPIES_AT[1] + _COPY.size - 1)
    struct.pack_into("<H", memory, at + 1, len(text))
    memory[at + 3 : at + 3 + len(text)] = text
    memory[at] = TAKEN


def write_row(memory: Memory, at: int, copy: int, operation: int, row: SliceRow) -> None:
    """Write the amounts of a slice into one of its two copies, which must be the older one."""
    place = at + _COPIES_AT[copy]
    _COPY.pack_into(
        memory,
        place,
        operation,
        row.granted & _LOW,
        row.granted >> 64,
        row.spent & _LOW,
        row.spent >> 64,
        row.known & _LOW,
        row.known >> 64,
        operation,
    )


def read_row(memory: Memory, at: int) -> tuple[SliceRow, int] | None:
    """Return a slice and the last operation that changed it; None if the row is free."""
    if memory[at] != TAKEN:
        return None
    (length,) = struct.unpack_from("<H", memory, at + 1)
    text = bytes(memory[at + 3 : at + 3 + length]).decode("utf-8", "replace")
    subject, _, account = text.partition("\0")
    latest = (0, 0, 0, 0)
    for place in _COPIES_AT:
        first, *amounts, last = _COPY.unpack_from(memory, at + place)
        if first == last and first >= latest[0]:
            low_high = [amounts[n] + (amounts[n + 1] << 64) for n in (0, 2, 4)]
            latest = (first, low_high[0], low_high[1], low_high[2])
    return SliceRow(subject, account, *latest[1:]), latest[0]


def latest_copy(memory: Memory, at: int) -> int:
    """Return which of the two copies of a slice is the newer complete one."""
    sequence = []
    for place in _COPIES_AT:
        first, *_, last = _COPY.unpack_from(memory, at + place)
        sequence.append(first if first == last else -1)
    return 0 if sequence[0] >= sequence[1] else 1
