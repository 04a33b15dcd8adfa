"""A multipart form: which fields it has, under which spelling of lists."""

from __future__ import annotations

import pytest

from domain.form import Form
from tests.builders import form

FORM = form(("a", "1"), ("b[]", "2"), ("a", "3"), ("b", "4"), ("c", b"file"), ("c[]", b"other"), ("d", ""), ("e", "ü"))


@pytest.mark.parametrize(
    ("name", "values"), [("a", ["1", "3"]), ("b", ["2", "4"]), ("c", []), ("d", [""]), ("e", ["ü"]), ("none", [])]
)
def test_fields_of_text(name: str, values: list[str]) -> None:
    assert FORM.texts(name) == values
    assert FORM.text(name) == (values[-1] if values else None)


@pytest.mark.parametrize(("name", "contents"), [("c", [b"file", b"other"]), ("a", []), ("none", [])])
def test_files(name: str, contents: list[bytes]) -> None:
    assert [part.content.read(0, part.content.size) for part in FORM.files(name)] == contents


def test_text_that_is_no_utf_8_is_no_reason_to_fail() -> None:
    (part,) = form(("a", b"caf\xe9")).parts
    assert part.text == "caf\ufffd"


def test_an_empty_form_has_nothing() -> None:
    assert (Form(()).texts("a"), Form(()).text("a"), Form(()).files("a")) == ([], None, [])
