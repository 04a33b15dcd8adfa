"""The headers of one part of a form: what is read of them, and what the upstream gets."""

from __future__ import annotations

import pytest

from domain.errors import InvalidRequestError
from infra.controllers.openai.part_head import head_of, read_head


def headers(disposition: str | bytes) -> list[tuple[bytes, bytes]]:
    value = disposition if isinstance(disposition, bytes) else disposition.encode()
    return [(b"Content-Disposition", b"form-data; " + value)]


@pytest.mark.parametrize(
    ("disposition", "name", "filename", "sent"),
    [
        ("name=file; filename=a.mp3", "file", "a.mp3", b"name=file; filename=a.mp3"),
        ('filename="a;b=c"; name="file"', "file", "a;b=c", b'filename="a;b=c"; name="file"'),
        ('Name = "file" ; FileName = "a"', "file", "a", b'Name = "file" ; FileName = "a"'),
        ('name="file"; filename=""', "file", "", b'name="file"; filename=""'),
        ('name="file"; filename="a\\"b\\\\c"', "file", 'a"b\\c', b'name="file"; filename="a%22b%5Cc"'),
        ('name="file"; filename="päth.mp3"', "file", "päth.mp3", 'name="file"; filename="päth.mp3"'.encode()),
        (b'name="file"; filename="\xff.mp3"', "file", "\ufffd.mp3", b'name="file"; filename="\xff.mp3"'),
        (
            "name=\"file\"; filename*=UTF-8''na%C3%AFve%0D.mp3",
            "file",
            "naïve\r.mp3",
            'name="file"; filename="naïve%0D.mp3"'.encode(),
        ),
        ('name="file"; filename="x"; filename*=iso-8859-1\'en\'%E4', "file", "ä", 'name="file"; filename="ä"'.encode()),
    ],
)
def test_spellings_of_file_names(disposition: str | bytes, name: str, filename: str, sent: bytes) -> None:
    head = read_head(headers(disposition))
    assert (head.name, head.filename) == (name, filename)
    assert head.raw == b"Content-Disposition: form-data; " + sent + b"\r\n"


@pytest.mark.parametrize(
    "disposition",
    [
        "filename=a",
        'name=""',
        'name="a"; name="model"',
        "name=\"a\"; name*=UTF-8''model",
        'name="mo\\del"',
        'name=mo"del"',
        'name="a"; filename*0="x"',
        'name="a',
        'name="a" filename="b"',
        'name="a"; =b',
        b'name="a\nContent-Disposition: form-data; name="model"',
    ],
)
def test_heads_that_others_might_read_in_another_way_are_refused(disposition: str | bytes) -> None:
    with pytest.raises(InvalidRequestError):
        read_head(headers(disposition))


def test_other_headers_go_upstream_as_they_came() -> None:
    head = read_head([*headers('name="a"'), (b"CONTENT-type", b"text/plain; charset=utf-8 "), (b"X-Odd", b"")])
    assert head.content_type == "text/plain; charset=utf-8 "
    assert head.raw.endswith(b"\r\nCONTENT-type: text/plain; charset=utf-8 \r\nX-Odd: \r\n")


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [(b"Content-Type", b"a/b")],
        [(b"Content-Disposition", b'attachment; name="a"')],
        [(b"Content-Disposition", b"form-data")],
        headers('name="a"') * 2,
        [*headers('name="a"'), (b"Content-Type", b"a/b"), (b"content-type", b"c/d")],
        [*headers('name="a"'), (b"Content-Transfer-Encoding", b"base64")],
        [*headers('name="a"'), (b"X-Odd", b"a\nContent-Length: 1")],
    ],
)
def test_headers_that_forms_do_not_have(wrong: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(InvalidRequestError):
        read_head(wrong)


def test_encodings_that_change_nothing_are_let_through() -> None:
    assert read_head([*headers('name="a"'), (b"Content-Transfer-Encoding", b" BINARY")]).name == "a"


def test_a_head_of_ours_is_one_that_we_read() -> None:
    line = head_of("model").removesuffix(b"\r\n").partition(b": ")
    assert read_head([(line[0], line[2])]).name == "model"
