"""``input`` and ``prompt``: what passes, what is refused, and what it counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.use_cases.completion import COMPLETION
from application.use_cases.embeddings import EMBEDDINGS
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.usage import Usage


def embeddings(given_input: bytes) -> Call:
    return EMBEDDINGS.read({"model": b'"m"', "input": given_input}, "r")


def completion(**members: object) -> Call:
    fields = {name: json.dumps(value).encode() for name, value in ({"model": "m", "prompt": "p"} | members).items()}
    return COMPLETION.read(fields, "r")


@pytest.mark.parametrize(
    ("given_input", "tokens"),
    [
        (b'"12345678"', 2),
        (b'"\\u00e9\\ud83d\\ude00"', 1),
        (b'["1234", "5"]', 2),
        (b"[1]", 1),
        (b"[ 17,\n2 , 30 ]", 3),
        (b"[[1,2],[3]]", 3),
        (b"[ [ 1 ] , [ 2,3,4 ] ]", 4),
        (b'["[1]"]', 1),
        (b"[" + b",".join([b'"x"'] * 2048) + b"]", 512),
        (b"[" + b",".join([b"[7]"] * 2048) + b"]", 2048),
        (b"[" + b"7," * 8190 + b"7]", 8191),
    ],
)
def test_input_that_passes(given_input: bytes, tokens: int) -> None:
    assert EMBEDDINGS.estimate_input(embeddings(given_input)) == Usage(input_tokens=tokens)


@pytest.mark.parametrize(
    ("given_input", "said"),
    [
        (b'""', "non-empty"),
        (b"[]", "non-empty"),
        (b"[ ]", "non-empty"),
        (b"[[]]", "non-empty"),
        (b"[[1],[],[2]]", "non-empty"),
        (b'["a",""]', "Invalid 'input[1]'"),
        (b"null", "expected a string, an array"),
        (b"5", "expected a string, an array"),
        (b"true", "expected a string, an array"),
        (b'{"a":1}', "expected a string, an array"),
        (b"[-1]", "expected a string, an array"),
        (b"[1.0]", "expected a string, an array"),
        (b"[1e3]", "expected a string, an array"),
        (b"[true]", "expected a string, an array"),
        (b"[null]", "expected a string, an array"),
        (b'["a",1]', "expected a string, an array"),
        (b'[1,"a"]', "expected a string, an array"),
        (b"[1,[2]]", "expected a string, an array"),
        (b"[1,[2],[3]]", "expected a string, an array"),
        (b"[[1],2]", "expected a string, an array"),
        (b"[[1],2,[3]]", "expected a string, an array"),
        (b"[[1,[2]]]", "expected a string, an array"),
        (b"[[[1]]]", "expected a string, an array"),
        (b"[[[1],[2]]]", "expected a string, an array"),
        (b'[["a"]]', "expected a string, an array"),
        (b"[[1],[-2]]", "expected a string, an array"),
        (b"[" * 100_000 + b"]" * 100_000, "non-empty"),
        (b"[" + b"1" * 5000 + b".5]", "Invalid"),
        (b"[" + b",".join([b'"x"'] * 2049) + b"]", "at most 2048 entries, but got 2049"),
        (b"[" + b",".join([b"[7]"] * 2049) + b"]", "at most 2048 entries, but got 2049"),
    ],
)
def test_input_that_is_refused(given_input: bytes, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        embeddings(given_input)
    assert said in caught.value.message
    assert caught.value.param == "input"


_NUMBERS = st.lists(st.integers(-1, 30) | st.lists(st.integers(0, 9) | st.lists(st.integers(0, 3), max_size=2)))


@given(_NUMBERS, st.sampled_from([None, 1]))
def test_lists_of_numbers_pass_only_if_all_of_them_are_of_one_kind(value: list[object], indent: int | None) -> None:
    flat = bool(value) and all(isinstance(one, int) and one >= 0 for one in value)
    nested = bool(value) and all(isinstance(one, list) and one and all(type(n) is int for n in one) for one in value)
    try:
        embeddings(json.dumps(value, indent=indent).encode())
    except InvalidRequestError:
        assert True not in {flat, nested}
    else:
        assert True in {flat, nested}


@pytest.mark.parametrize("name", ["model", "input"])
def test_embeddings_without_something_needed(name: str) -> None:
    fields = {"model": b'"m"', "input": b'"x"'}
    del fields[name]
    with pytest.raises(InvalidRequestError) as caught:
        EMBEDDINGS.read(fields, "r")
    assert caught.value.param == name


def test_embeddings_are_a_whole_answer_for_an_end_user() -> None:
    call = EMBEDDINGS.read({"model": b'"m"', "input": b'"x"', "user": b'"alice"', "stream": b"true"}, "r")
    assert (call.stream, call.end_user) == (False, "alice")


@pytest.mark.parametrize(
    ("members", "tokens"),
    [
        ({"prompt": "12345678", "suffix": "12345"}, 4),
        ({"prompt": ["12345", "678"]}, 2),
        ({"prompt": [1, 2, 3], "suffix": None}, 3),
        ({"prompt": [[1], [2, 3]]}, 3),
        ({"prompt": None}, 0),
        ({"prompt": ""}, 0),
    ],
)
def test_prompts_that_pass(members: dict[str, object], tokens: int) -> None:
    assert COMPLETION.estimate_input(completion(**members)) == Usage(input_tokens=tokens)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": 5}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"model": ""}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": []}, "stream_options"),
    ],
)
def test_prompts_that_are_refused(members: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        completion(**members)
    assert caught.value.param == param
    with pytest.raises(InvalidRequestError):
        COMPLETION.read({"model": b'"m"'}, "r")


def test_a_streamed_completion() -> None:
    call = completion(stream=True, stream_options={"include_usage": True}, user="alice")
    assert (call.stream, call.wants_usage, call.end_user) == (True, True, "alice")
    assert not completion(stream_options={"include_usage": True}).wants_usage


@pytest.mark.parametrize(
    ("members", "texts", "tokens"),
    [
        ({}, ["12345", "678"], 2),
        ({}, [None, 5], 0),
        ({"prompt": "12345", "echo": True, "n": 2}, ["123456789", "12345678"], 2),
        ({"prompt": "12345", "echo": True}, [], 0),
        ({"prompt": [1, 2], "echo": True}, ["12345678"], 2),
    ],
)
def test_what_a_whole_completion_adds(members: dict[str, object], texts: list[object], tokens: int) -> None:
    body = json.dumps({"choices": [{"text": text} for text in texts]}).encode()
    assert COMPLETION.estimate_output(completion(**members), body) == Usage(output_tokens=tokens)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"choices": 1}', b'{"choices": [1]}', b"[" * 100_000])
def test_what_is_no_completion_adds_nothing(body: bytes) -> None:
    assert COMPLETION.estimate_output(completion(), body) == Usage()
