"""Read members that are texts or token ids: the ``input`` of embeddings and the ``prompt`` of completions.

Token ids are checked as bytes: a batch may have millions of them, and their values are not needed here.
"""

from __future__ import annotations

import re

from application.request_body.members import LARGE, decoded, first_byte, load
from domain.errors import InvalidRequestError
from domain.estimates import estimate_tokens, sampled_count, sampled_tokens

_BLANKS = b" \t\r\n"
_BEGINNING = 64
_DIGITS = b"0123456789"
_TEXT_FIRST = re.compile(rb'\[\s*"')


def check_texts(raw: bytes, name: str, *, most: int | None = None, empty_texts: bool = True) -> None:
    """Check that a member is a string, a list of strings, a list of token ids, or a list of such lists.

    Args:
        raw: the member.
        name: its name, for errors.
        most: how many entries a list of texts, or of lists, may have.
        empty_texts: allow empty strings.

    Raises:
        InvalidRequestError: it is anything else.
    """
    kind = first_byte(raw)
    if kind == b'"':
        if not empty_texts and len(raw) == len(b'""'):
            raise InvalidRequestError(f"Invalid '{name}': expected a non-empty string.", param=name)
        return
    if kind != b"[":
        raise _wrong(name)
    if len(raw) > LARGE:
        return  # the upstream checks it
    compact = _numbers_only(raw)
    if compact is None:
        _check_list(load(raw, name), name, most, empty_texts=empty_texts)
    elif compact == b"[]":
        raise _empty(name)
    elif compact.startswith(b"[["):
        _check_lists(compact, name, most)
    elif compact.count(b"[") > 1:
        raise _wrong(name)


def text_tokens(raw: bytes) -> int:
    """Return the tokens of such a member: texts by rule of thumb, ids exactly unless it is large."""
    if len(raw) > LARGE:
        numbers = first_byte(raw) == b"[" and b'"' not in bytes(memoryview(raw)[:_BEGINNING])
        return sampled_count(raw, b",") + 1 if numbers else sampled_tokens(raw)
    compact = _numbers_only(raw) if first_byte(raw) == b"[" else None
    return estimate_tokens(sum(map(len, texts_of(raw)))) if compact is None else compact.count(b",") + 1


def texts_of(raw: bytes) -> list[str]:
    """Return the texts in such a member, without its token ids; none of a large one."""
    value = decoded(raw) if len(raw) <= LARGE else None
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def _numbers_only(raw: bytes) -> bytes | None:
    """Return a list of numbers, or of lists of them, without its blanks; None if it holds anything else."""
    if _TEXT_FIRST.match(raw):
        return None
    compact = bytes(raw).translate(None, _BLANKS)
    return None if compact.translate(None, _DIGITS + b"[],") else compact


def _check_lists(compact: bytes, name: str, most: int | None) -> None:
    """Check lists of ids. The JSON is known to be well-formed; empty and misplaced lists remain to be found."""
    lists = compact.count(b"[") - 1
    if b"[]" in compact:
        raise _empty(name)
    if compact.count(b"],[") != lists - 1 or not compact.endswith(b"]]"):
        raise _wrong(name)
    _check_count(lists, name, most)


def _check_list(values: object, name: str, most: int | None, *, empty_texts: bool) -> None:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _wrong(name)
    if not empty_texts and "" in values:
        index = values.index("")
        raise InvalidRequestError(f"Invalid '{name}[{index}]': expected a non-empty string.", param=name)
    _check_count(len(values), name, most)


def _check_count(count: int, name: str, most: int | None) -> None:
    if most is not None and count > most:
        raise InvalidRequestError(f"Invalid '{name}': expected at most {most} entries, but got {count}.", param=name)


def _wrong(name: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"Invalid type for '{name}': expected a string, an array of strings, an array of token ids (integers from 0 on)"
        " or an array of such arrays.",
        param=name,
    )


def _empty(name: str) -> InvalidRequestError:
    return InvalidRequestError(f"Invalid '{name}': expected a non-empty array.", param=name)
