"""Multipart forms as clients write them, and as nobody should."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message, Receive

from domain.errors import BodyTooLargeError, CallerGoneError, InvalidRequestError
from domain.form import Form
from infra.controllers.openai.form import MOST_PARTS, FormLimits, read_form, with_model
from infra.controllers.openai.upload_file import OnDisk, UploadFile, Uploads

TYPE = b"multipart/form-data; boundary=limit"
LIMITS = FormLimits(size=4 << 20, file=1 << 20)


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[UploadFile]:
    with Uploads(tmp_path / "uploads").upload() as made:
        yield made


def receiver(pieces: Iterable[bytes], *, hangs_up: bool = False) -> Receive:
    left = iter(pieces)

    async def receive() -> Message:
        piece = next(left, None)
        if piece is None and hangs_up:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return receive


async def read(upload: UploadFile, *pieces: bytes, content_type: bytes = TYPE, limits: FormLimits = LIMITS) -> Form:
    return await read_form(receiver(pieces), content_type, limits, upload)


def part(disposition: str | bytes, content: bytes = b"x", *headers: bytes) -> bytes:
    value = disposition if isinstance(disposition, bytes) else disposition.encode()
    head = b"".join(header + b"\r\n" for header in (b"Content-Disposition: form-data; " + value, *headers))
    return b"--limit\r\n" + head + b"\r\n" + content + b"\r\n"


def field(name: str, content: bytes = b"x") -> bytes:
    return part(f'name="{name}"', content)


END = b"--limit--\r\n"


async def test_parts_keep_their_order_names_headers_and_contents(upload: UploadFile) -> None:
    sent = part('name="file"; filename="a.mp3"', b"\x00\r\n--limi\xff", b"Content-Type: audio/mpeg", b"X-Odd:  1 ")
    form = await read(upload, field("model", b"whisper") + sent + field("prompt", "naïve".encode()) + END)
    assert [part.name for part in form.parts] == ["model", "file", "prompt"]
    file = form.parts[1]
    assert (file.filename, file.content_type, file.content.read(0, 100)) == (
        "a.mp3",
        "audio/mpeg",
        b"\x00\r\n--limi\xff",
    )
    assert file.head == (
        b'Content-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\nX-Odd: 1 \r\n'
    )
    assert form.text("prompt") == "naïve"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_a_form_may_come_in_pieces_of_any_size(upload: UploadFile, size: int) -> None:
    content = b"\r\n--limi\r\n--limitless\r\r\n-" * 40
    body = b"before\r\n" + field("model", b"m") + part('name="file"; filename="a"', content) + END + b"after"
    form = await read(upload, *(body[start : start + size] for start in range(0, len(body), size)))
    assert [(part.name, part.content.read(0, 9999)) for part in form.parts] == [("model", b"m"), ("file", content)]


@pytest.mark.parametrize("cut", range(1, 14))
async def test_a_boundary_may_be_split_behind_any_byte(upload: UploadFile, cut: int) -> None:
    content = bytes(range(256)) * 1200
    whole = field("a") + part('name="file"; filename="a"', content) + field("b") + END
    at = whole.index(b"\r\n--limit", whole.index(content)) + cut
    form = await read(upload, whole[:at], whole[at:])
    assert [part.name for part in form.parts] == ["a", "file", "b"]
    assert b"".join(form.parts[1].content.blocks()) == content


async def test_both_spellings_of_lists(upload: UploadFile) -> None:
    form = await read(
        upload,
        field("include[]", b"logprobs")
        + field("include", b"other")
        + part('name="image[]"; filename="1"')
        + part('name="image"; filename="2"')
        + END,
    )
    assert form.texts("include") == ["logprobs", "other"]
    assert [file.filename for file in form.files("image")] == ["1", "2"]


async def test_what_httpx_writes_is_read(upload: UploadFile) -> None:
    request = httpx.Request(
        "POST",
        "http://test",
        data={"model": "m", "timestamp_granularities[]": ["word", "segment"], "prompt": 'say "hi"\r\nnow'},
        files=[("file", ('na"ï\\ve.mp3', b"abc", "audio/mpeg")), ("mask", ("", b"", None))],
    )
    body = request.read()
    form = await read(upload, body, content_type=request.headers["content-type"].encode())
    assert form.texts("timestamp_granularities") == ["word", "segment"]
    assert form.text("prompt") == 'say "hi"\r\nnow'
    (file,) = form.files("file")
    assert (file.filename, file.content_type, file.content.size) == ("na%22ï\\ve.mp3", "audio/mpeg", 3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--limit",
        field("a"),
        field("a") + b"--limit-",
        b'--limit\r\nContent-Disposition: form-data; name="a"',
        b"--other\r\n\r\nx\r\n--other--\r\n",
    ],
)
async def test_a_form_that_is_not_whole(upload: UploadFile, body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="incomplete"):
        await read(upload, body)


@pytest.mark.parametrize(
    "body",
    [
        b"--limitless\r\n",
        b"--limit\r\nno header\r\n\r\nx\r\n" + END,
        b"--limit\r\n: empty\r\n\r\nx\r\n" + END,
        b"--limit\r\n" + b"a: b\r\n" * 17 + b"\r\nx\r\n" + END,
        b"--limit\r\na: " + b"b" * 9000 + b"\r\n\r\nx\r\n" + END,
        b"x" * 5000,
    ],
)
async def test_what_is_no_form(upload: UploadFile, body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="not a well-formed"):
        await read(upload, body)


@pytest.mark.parametrize(
    "content_type", [b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/form-data; charset=utf-8"]
)
async def test_no_boundary(upload: UploadFile, content_type: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="boundary"):
        await read(upload, field("a") + END, content_type=content_type)


async def test_an_endless_boundary(upload: UploadFile) -> None:
    with pytest.raises(InvalidRequestError, match="too long"):
        await read(upload, END, content_type=b"multipart/form-data; boundary=" + b"b" * 300)


async def test_an_empty_form_has_no_parts(upload: UploadFile) -> None:
    assert (await read(upload, END)).parts == ()


async def test_a_thousand_fields_are_too_many(upload: UploadFile) -> None:
    most = b"".join(field(f"f{number}") for number in range(MOST_PARTS))
    assert len((await read(upload, most + END)).parts) == MOST_PARTS
    with pytest.raises(InvalidRequestError, match=f"more than {MOST_PARTS} parts"):
        await read(upload, field("f") * 1000 + END)


@pytest.mark.parametrize("second", [field("model"), field("model[]"), part('name="model"; filename="m"')])
async def test_two_models_are_one_too_many(upload: UploadFile, second: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="more than one 'model' field") as raised:
        await read(upload, field("model") + second + END)
    assert raised.value.param == "model"


@pytest.mark.parametrize("model", [field("model[]"), part('name="model"; filename="m"')])
async def test_a_model_that_is_no_plain_field(upload: UploadFile, model: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="must be a text field"):
        await read(upload, model + END)


async def test_the_model_of_the_path_takes_the_place_of_others(upload: UploadFile) -> None:
    form = with_model(await read(upload, field("a") + field("model", b"old") + END), "näw")
    assert [(part.name, part.text) for part in form.parts] == [("model", "näw"), ("a", "x")]
    assert form.parts[0].head == b'Content-Disposition: form-data; name="model"\r\n'


async def test_a_caller_who_hangs_up(upload: UploadFile) -> None:
    with pytest.raises(CallerGoneError):
        await read_form(receiver([field("a")], hangs_up=True), TYPE, LIMITS, upload)


def endless(head: bytes, sent: list[int]) -> Iterator[bytes]:
    yield head
    while True:
        sent[0] += 1 << 16
        yield b"x" * (1 << 16)


@pytest.mark.parametrize(
    ("head", "limit", "message"),
    [
        (
            part('name="file"; filename="a"', b"")[:-2],
            LIMITS.file,
            "The file 'file' is larger than the limit of 1048576",
        ),
        (field("prompt", b"")[:-2], 1 << 20, "The field 'prompt' is larger than the limit of 1048576 bytes"),
        (END, LIMITS.size, "The request body is larger than the limit of 4194304 bytes"),
    ],
)
async def test_what_is_too_large_is_refused_before_it_is_read_whole(
    upload: UploadFile, head: bytes, limit: int, message: str
) -> None:
    sent = [0]
    with pytest.raises(BodyTooLargeError, match=message):
        await read_form(receiver(endless(head, sent)), TYPE, LIMITS, upload)
    assert sent[0] <= limit + (1 << 16)


async def test_a_file_of_just_the_limit_is_taken(upload: UploadFile) -> None:
    form = await read(upload, part('name="file"; filename="a"', b"x" * LIMITS.file) + END)
    assert form.parts[0].content.size == LIMITS.file


async def test_large_uploads_do_not_stay_in_memory(upload: UploadFile) -> None:
    size = 20 << 20
    head, block = part('name="file"; filename="a"', b"")[:-2], b"0123456789abcdef" * 4096
    pieces = (head, *([block] * (size // len(block))), b"\r\n" + END)
    tracemalloc.start()
    try:
        form = await read_form(receiver(pieces), TYPE, FormLimits(64 << 20, 25 << 20), upload)
        content = form.parts[0].content
        assert isinstance(content, OnDisk)
        assert content.size == sum(map(len, content.blocks())) == size
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()
