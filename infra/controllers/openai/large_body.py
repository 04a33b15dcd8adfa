"""Splitting of large JSON bodies, in steps between which the event loop serves other callers.

A decoder in C takes 1.6 ms per megabyte, during which nothing else runs, also in a thread, as it holds the interpreter.
Here the syntax of strings, numbers and nesting is checked; what else is wrong inside a member, its upstream reports.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Iterator

import msgspec

from domain.errors import BodyNotJsonError, InvalidRequestError

LARGE = 1024 * 1024
"""Size in bytes above which a body is split here."""
MOST_VALUES = 250_000
"""Maximum number of strings, objects and arrays in a large body: each costs many times its size once it is decoded."""
_DEEPEST = 500
_STEP = 256 * 1024
_STEP_TOKENS = 2_000
_TOKENS_OF_A_MEMBER = 10
"""A member of the body itself takes as long as this many tokens inside one."""
_LONGEST_NAME = 4 * 1024
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\["\\/bfnrtu][^"\\\x00-\x1f]*+)*+')
_SHORT_STRING = re.compile(rb'"[^"\\\x00-\x1f]{0,4096}+"')
_SCALARS = re.compile(rb"[-+0-9.eE,: \t\r\ntrufalsn]*+")
_SCALAR = re.compile(rb"[-+0-9.eEtrufalsn]{1,4096}")
_QUOTE, _BACKSLASH = b'"'[0], b"\\"[0]
_CLOSING = {b"{"[0]: b"}"[0], b"["[0]: b"]"[0]}


async def split_members(body: bytes | bytearray) -> dict[str, msgspec.Raw]:
    """Split the JSON object in a body into its members, without a copy of them.

    Raises:
        BodyNotJsonError: not a JSON object in UTF-8.
        InvalidRequestError: it has too many values.
    """
    splitter = _Splitter(body)
    for _ in splitter.steps():
        await asyncio.sleep(0)
    return splitter.members


class _Splitter:
    def __init__(self, body: bytes | bytearray) -> None:
        self.members: dict[str, msgspec.Raw] = {}
        self._body = body
        self._view = memoryview(body)
        self._at = 0
        self._values = 0
        self._tokens = 0
        self._next_step = _STEP

    def steps(self) -> Iterator[None]:
        """Split the body; each step takes a millisecond or two."""
        yield from self._check_encoding()
        yield from self._skip_blanks()
        if self._next() != b"{"[0]:
            raise BodyNotJsonError("The request body must be a JSON object.")
        self._at += 1
        yield from self._skip_blanks()
        if self._next() == b"}"[0]:
            self._at += 1
        else:
            yield from self._read_members()
        yield from self._skip_blanks()
        if self._at < len(self._body):
            raise self._malformed()

    def _read_members(self) -> Iterator[None]:
        while True:
            start = self._at
            yield from self._read_string()
            if self._at - start > _LONGEST_NAME:
                raise BodyNotJsonError("The request body has a member whose name is too long.")
            name: str = msgspec.json.decode(self._view[start : self._at], type=str)
            yield from self._skip_blanks()
            if self._next() != b":"[0]:
                raise self._malformed()
            self._at += 1
            yield from self._skip_blanks()
            if self._is_due(_TOKENS_OF_A_MEMBER):
                yield
            start = self._at
            yield from self._read_value()
            self.members[name] = msgspec.Raw(self._view[start : self._at])
            yield from self._skip_blanks()
            self._at += 1
            if self._body[self._at - 1 : self._at] == b"}":
                return
            if self._body[self._at - 1 : self._at] != b",":
                raise self._malformed()
            yield from self._skip_blanks()

    def _read_value(self) -> Iterator[None]:
        first = self._next()
        if first == _QUOTE:
            yield from self._read_string()
        elif first in _CLOSING:
            yield from self._read_container()
        else:
            found = _SCALAR.match(self._body, self._at)
            try:
                msgspec.json.decode(b"" if found is None else found.group())
            except msgspec.DecodeError:
                raise self._malformed() from None
            self._at += 0 if found is None else len(found.group())

    def _read_string(self) -> Iterator[None]:
        if self._next() != _QUOTE:
            raise self._malformed()
        self._count()
        self._at += 1
        while True:
            end = self._at + _STEP
            found = _STRING.match(self._body, self._at, end)
            before, self._at = self._at, self._at if found is None else found.end()
            following = self._next()
            if following == _QUOTE:
                self._at += 1
                return
            if self._at < end and not (self._at == end - 1 > before and following == _BACKSLASH):
                raise self._malformed()
            yield

    def _read_container(self) -> Iterator[None]:
        closing = bytearray()
        while True:
            found = _SCALARS.match(self._body, self._at, self._at + _STEP)
            before, self._at = self._at, self._at if found is None else found.end()
            token = self._next()
            if token == _QUOTE:
                short = _SHORT_STRING.match(self._body, self._at)
                if short is None:
                    yield from self._read_string()
                else:
                    self._at = short.end()
                    self._count()
            elif token in _CLOSING:
                self._count()
                closing.append(_CLOSING[token])
                if len(closing) > _DEEPEST:
                    raise BodyNotJsonError("The request body is nested too deeply.")
                self._at += 1
            elif closing and token == closing[-1]:
                closing.pop()
                self._at += 1
                if not closing:
                    return
            elif self._at - before < _STEP:
                raise self._malformed()
            if self._is_due():
                yield

    def _skip_blanks(self) -> Iterator[None]:
        while True:
            end = self._at + _STEP
            found = _BLANKS.match(self._body, self._at, end)
            self._at = self._at if found is None else found.end()
            if self._at < end:
                return
            yield

    def _check_encoding(self) -> Iterator[None]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for start in range(0, len(self._body), _STEP):
                decoder.decode(self._view[start : start + _STEP], start + _STEP >= len(self._body))
                yield
        except UnicodeDecodeError:
            raise BodyNotJsonError("The request body is not valid UTF-8.") from None

    def _is_due(self, tokens: int = 1) -> bool:
        """Tell if so much was done since the last step that the next one should begin."""
        self._tokens += tokens
        if self._tokens < _STEP_TOKENS and self._at < self._next_step:
            return False
        self._tokens, self._next_step = 0, self._at + _STEP
        return True

    def _next(self) -> int:
        """Return the byte at hand, -1 at the end."""
        return self._body[self._at] if self._at < len(self._body) else -1

    def _count(self) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            raise InvalidRequestError(
                f"The request body has more than {MOST_VALUES} strings, objects and arrays.", code="too_many_values"
            )

    def _malformed(self) -> BodyNotJsonError:
        if self._at >= len(self._body):
            return BodyNotJsonError("The request body is not valid JSON: it ends too early.")
        return BodyNotJsonError(f"The request body is not valid JSON: unexpected character (byte {self._at}).")
