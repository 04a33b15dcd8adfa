"""References to objects of a vendor's account are found wherever they stand, and nothing else is taken for one."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from application.serving.vendor_objects import find_references, search_in_steps
from domain.call import LARGE_MEMBER, Call
from domain.form import Form, InMemory, Part
from domain.operation import Endpoint
from domain.vendor_objects import ADDRESS_KEYS, CITATIONS, KEYS, TOP_LEVEL, VENDOR_OBJECTS

FILES = "https://generativelanguage.googleapis.com/v1beta/files/abc"


def kinds(body: dict[str, Any], endpoint: Endpoint = Endpoint.RESPONSES, dump: Any = json.dumps) -> set[str]:
    call = Call(endpoint, "m", {name: dump(value).encode() for name, value in body.items()})
    return {kind for kind, _ in find_references(call) if kind}


REFERENCES: list[tuple[Endpoint, dict[str, Any], str]] = [
    (Endpoint.RESPONSES, {"conversation": "conv_1"}, "conversation"),
    (Endpoint.RESPONSES, {"conversation": {"id": "conv_1"}}, "conversation"),
    (Endpoint.RESPONSES, {"prompt": {"id": "pmpt_1"}}, "prompt"),
    (Endpoint.RESPONSES, {"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
    (Endpoint.RESPONSES, {"input": [{"id": "msg_1"}]}, "item_reference"),
    (Endpoint.RESPONSES, {"input": [{"id": "msg_1", "type": None}]}, "item_reference"),
    (Endpoint.RESPONSES, {"input": [{"type": None, "id": "msg_1"}]}, "item_reference"),
    (Endpoint.RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "file_id"),
    (
        Endpoint.RESPONSES,
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "file_id",
    ),
    (Endpoint.RESPONSES, {"tools": [{"type": "image_generation", "input_image_mask": {"file_id": "f"}}]}, "file_id"),
    (
        Endpoint.RESPONSES,
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}]},
        "file_id",
    ),
    (Endpoint.RESPONSES, {"tools": [{"type": "file_search", "vector_store_ids": ["vs"]}]}, "vector_store_ids"),
    (Endpoint.RESPONSES, {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "container"),
    (Endpoint.RESPONSES, {"input": [{"type": "code_interpreter_call", "container_id": "cntr_1"}]}, "container"),
    (Endpoint.RESPONSES, {"tools": [{"type": "shell", "environment": {"container_id": "cntr_1"}}]}, "container"),
    (Endpoint.RESPONSES, {"tools": [{"environment": {"skills": [{"skill_id": "s"}]}}]}, "skill_id"),
    (Endpoint.RESPONSES, {"prompt_cache_options": {"comparison_response_id": "resp_1"}}, "comparison_response_id"),
    (Endpoint.CHAT_COMPLETIONS, {"messages": [{"content": [{"type": "file", "file": {"file_id": "f"}}]}]}, "file_id"),
    (Endpoint.CHAT_COMPLETIONS, {"container": "container_1"}, "container"),
    (Endpoint.CHAT_COMPLETIONS, {"data_sources": [{"type": "azure_search"}]}, "data_sources"),
    (Endpoint.CHAT_COMPLETIONS, {"cachedContent": "cachedContents/1"}, "cached_content"),
    (
        Endpoint.CHAT_COMPLETIONS,
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "gs://b/x.png"}}]}]},
        "storage_uri",
    ),
    (Endpoint.CHAT_COMPLETIONS, {"messages": [{"content": [{"file": {"file_uri": FILES}}]}]}, "file_uri"),
    (Endpoint.IMAGE_EDITS, {"images": [{"file_id": "f"}]}, "file_id"),
]


@pytest.mark.parametrize(("endpoint", "body", "kind"), REFERENCES)
def test_references_are_found(endpoint: Endpoint, body: dict[str, Any], kind: str) -> None:
    assert kinds(body, endpoint) == {kind}
    assert kinds(body, endpoint, lambda value: json.dumps(value, indent=3)) == {kind}
    assert kinds(body, endpoint, lambda value: json.dumps(value, separators=(",", ":"))) == {kind}
    assert kinds(body, endpoint, lambda value: json.dumps(value).replace("/", r"\/")) == {kind}


@pytest.mark.parametrize(("endpoint", "body", "kind"), REFERENCES)
def test_references_are_found_under_escapes(endpoint: Endpoint, body: dict[str, Any], kind: str) -> None:
    def escaped(value: object) -> str:
        def letters(text: re.Match[str]) -> str:
            return re.sub("[a-zA-Z_:/]", lambda letter: f"\\u{ord(letter[0]):04x}", text[0])

        return re.sub('"[^"]*"', letters, json.dumps(value))

    assert json.loads(escaped(next(iter(body.values())))) == next(iter(body.values()))
    assert kinds(body, endpoint, escaped) == {kind}


@pytest.mark.parametrize(("endpoint", "body", "kind"), REFERENCES)
@pytest.mark.parametrize("distance", [-1000, -40, -9, -1, 0, 1, 7, 1000])
@pytest.mark.parametrize("filling", ["text", "objects", "blanks", "hexadecimal"])
async def test_references_are_found_across_steps(
    endpoint: Endpoint, body: dict[str, Any], kind: str, distance: int, filling: str
) -> None:
    name, value = next((name, value) for name, value in body.items())
    if name in TOP_LEVEL[endpoint]:
        return
    length = LARGE_MEMBER + distance
    before = {
        "text": '"' + "x" * (length - 4) + '",',
        "objects": '{"a":"b"},' * (length // 10),
        "blanks": " " * length,
        "hexadecimal": '"' + r"\u0061" * (length // 6) + '",',
    }[filling]
    text = json.dumps(value if isinstance(value, list) else [value])
    raw = f"[{before}{text[1:]}".encode()
    call = await search_in_steps(Call(endpoint, "m", {name: raw}))
    assert set(call.references or ()) == {kind}


def test_every_row_of_the_table_is_tried() -> None:
    tried = {kind for _, _, kind in REFERENCES}
    assert tried | {"tunnel_id", "collection_ids", "library_ids"} == {row.name for row in VENDOR_OBJECTS}
    for key, kind in KEYS.items():
        assert kinds({"tools": [{key: "x"}]}) == {kind}
        assert kinds({"tools": [{key: ["x"]}]}) == {kind}
    for key in ADDRESS_KEYS:
        assert kinds({"input": [{key: "gs://bucket/object"}]}) == {"storage_uri"}
        assert kinds({"input": [{key: "S3://bucket/object"}]}) == {"storage_uri"}


@pytest.mark.parametrize(
    "body",
    [
        {"input": "file_id: gs://x"},
        {"metadata": {"file_id": "mine"}},
        {"input": [{"role": "user", "content": '{"file_id": "x", "container": "y"}'}]},
        {"input": [{"role": "user", "content": "gs://bucket is where it is"}]},
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "gs://bucket/x"}]},
        {"input": [{"type": "function_call", "arguments": '{"vector_store_ids": ["a"]}'}]},
        {"input": [{"id": "rs_1", "type": "reasoning", "summary": []}]},
        {"input": [{"type": "message", "role": "assistant", "content": [], "id": "msg_1"}]},
        {"tools": [{"type": "function", "parameters": {"properties": {"file_id": {"type": "string"}}}}]},
        {"tools": [{"type": "function", "parameters": {"properties": {"container": {}}, "required": ["file_id"]}}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": []}}]},
        {"tools": [{"type": "file_search", "vector_store_ids": None}]},
        {"text": {"format": {"schema": {"properties": {"skill_id": {"type": "integer"}}}}}},
        {"conversation": None, "prompt": None},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/gs://x"}]}]},
        *({"input": [{"content": [{"annotations": [{"type": kind, "file_id": "f"}]}]}]} for kind in CITATIONS),
        {"input": [{"annotations": [{"container_id": "c", "file_id": "f", "type": "container_file_citation"}]}]},
    ],
)
def test_what_only_looks_like_a_reference_is_not_one(body: dict[str, Any]) -> None:
    assert kinds(body) == set()
    assert kinds(body, dump=lambda value: json.dumps(value, indent=2)) == set()


def test_other_endpoints_use_the_names_for_something_else() -> None:
    assert kinds({"prompt": "once upon a time"}, Endpoint.COMPLETIONS) == set()
    assert kinds({"prompt": ["a", "b"]}, Endpoint.IMAGE_GENERATIONS) == set()
    assert kinds({"input": ["gs://bucket/x"]}, Endpoint.EMBEDDINGS) == set()


def test_fields_of_forms_count_as_well() -> None:
    form = Form((Part("file_id", b"", InMemory(b"f")), Part("model", b"", InMemory(b"m"))))
    call = Call(Endpoint.TRANSCRIPTIONS, "m", {}, form=form)
    assert list(find_references(call)) == [("file_id", "file_id")]


_TEXTS = st.text(st.sampled_from('ab{}[]":,\\/ file_idgs:\n\u00e9') | st.characters(codec="utf-8"), max_size=40)
_VALUES = st.recursive(
    _TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES, st.sampled_from(sorted(KEYS)), st.booleans())
@example('{"file_id": "x"}', "file_id", False)  # noqa: FBT003 - the values of a property
def test_no_text_of_a_caller_is_taken_for_a_reference(value: object, key: str, ascii_only: object) -> None:
    def dump(each: object) -> str:
        return json.dumps(each, ensure_ascii=bool(ascii_only))

    quoted = dump(value)
    assert kinds({"input": [{"type": "message", "content": quoted}]}, dump=dump) == set()
    found = kinds({"input": [{"type": "message", "content": value, key: "x"}]}, dump=dump)
    assert KEYS[key] in found


async def test_other_callers_are_served_while_a_large_body_is_searched() -> None:
    raw = b"[" + b'{"file_id":"a","type":"file_citation"},' * 300_000 + b"{}]"
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await search_in_steps(Call(Endpoint.RESPONSES, "m", {"input": raw}))
    task.cancel()
    assert turns >= len(raw) // LARGE_MEMBER
