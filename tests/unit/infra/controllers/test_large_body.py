"""Large bodies mean the same as to a JSON decoder, and cost little."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BodyNotJsonError, GatewayError, InvalidRequestError
from infra.controllers.openai import large_body
from infra.controllers.openai.large_body import MOST_VALUES, split_members

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)
MEGABYTES = 24


def split(body: bytes) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in asyncio.run(split_members(bytearray(body))).items()}


@given(st.dictionaries(st.text(), VALUES), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_json_object_is_split_as_a_decoder_reads_it(
    value: dict[str, object], ascii_only: object, indent: int | str | None
) -> None:
    body = json.dumps(value, ensure_ascii=bool(ascii_only), indent=indent).encode("utf-8", "surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        with pytest.raises(BodyNotJsonError):
            split(body)
        return
    assert {name: json.loads(raw) for name, raw in split(body).items()} == value


@given(st.binary(max_size=60) | st.text('{}[]",:\\ntrue10 ', max_size=60).map(str.encode))
def test_what_is_accepted_is_an_object_and_what_is_refused_is_not_json_or_not_an_object(body: bytes) -> None:
    try:
        members = split(body)
    except BodyNotJsonError:
        try:
            value = json.loads(body.decode())
        except (ValueError, RecursionError):
            return
        assert not isinstance(value, dict) or not _strict(body)
        return
    joined = b"{%b}" % b",".join(json.dumps(name).encode() + b":" + raw for name, raw in members.items())
    assert split(joined) == members


def _strict(body: bytes) -> bool:
    """Return true unless Python's decoder takes it although it is not JSON: control characters, NaN."""
    return b"NaN" not in body and b"Infinity" not in body


HOSTILE: dict[str, tuple[bytes, bytes, bytes]] = {
    "empty objects": (b'{"messages":[', b"{},", b"{}]}"),
    "strings": (b'{"input":[', b'"",', b'""]}'),
    "encrypted": (b'{"input":[{"a":0', b',"encrypted_content":"llmproxy.a.b"', b"}]}"),
    "members": (b"{", b'"":0,', b'"a":1}'),
    "numbers": (b'{"input":[', b"1,", b"1]}"),
    "one string": (b'{"a":"', b"x", b'"}'),
    "escapes": (b'{"a":"', b"\\n", b'"}'),
    "backslashes": (b'{"a":"', b"\\\\", b'"}'),
    "escaped quotes": (b'{"a":"', b'\\"', b'"}'),
    "emoji": (b'{"a":"', "\N{PILE OF POO}".encode(), b'"}'),
    "blanks": (b"{", b" ", b"}"),
    "blanks inside": (b'{"a":[', b" \n", b"]}"),
    "lists": (b'{"a":', b"[", b"}"),
    "a long name": (b'{"', b"x", b'":1}'),
    "a long number": (b'{"a":', b"1", b"}"),
    "no end": (b'{"a":"', b"x", b""),
    "only quotes": (b'{"a":', b'"', b"}"),
    "control characters": (b'{"a":"', b"\x01", b'"}'),
    "not UTF-8": (b'{"a":"', b"x", b'\xff"}'),
    "commas": (b'{"a":[', b",", b"]}"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_stops_the_loop(name: str) -> None:
    first, repeated, last = HOSTILE[name]
    body = bytearray(first + repeated * ((MEGABYTES << 20) // len(repeated)) + last)
    stalls: list[float] = []

    async def watched() -> None:
        work = asyncio.ensure_future(split_members(body))
        while not work.done():
            before = time.thread_time()
            await asyncio.sleep(0)
            stalls.append(time.thread_time() - before)
        work.exception()

    asyncio.run(watched())
    assert max(stalls) < 0.05


def _refused(action: Callable[[], object]) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        action()
    return raised.value


def test_too_many_values_are_refused() -> None:
    at_the_limit = b'{"a":[%b]}' % b",".join([b"{}"] * (MOST_VALUES - 2))
    assert list(split(at_the_limit)) == ["a"]
    error = _refused(lambda: split(at_the_limit.replace(b"[{}", b"[{},{}")))
    assert isinstance(error, InvalidRequestError)
    assert error.code == "too_many_values"


@pytest.mark.parametrize("size", range(large_body._STEP - 3, large_body._STEP + 4))
@pytest.mark.parametrize("filler", ["x", "\\\\", '\\"', "é"])
def test_steps_may_end_anywhere(size: int, filler: str) -> None:
    text = (filler * size).encode()[: size - size % len(filler.encode())]
    for shift in range(3):
        body = b'{"a":' + b" " * shift + b'"' + text + b'","b":[1]}'
        assert split(body) == {"a": b'"' + text + b'"', "b": b"[1]"}


def test_the_last_of_several_members_of_one_name_counts() -> None:
    assert split(b'{"a":1,"b":2,"a":3}') == {"a": b"3", "b": b"2"}
