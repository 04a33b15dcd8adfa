"""Multipart bodies of the standalone server."""

import pytest

from infra.simulator.errors import SimulatedError
from infra.simulator.uploads import members_of, read_form

KIND = b'multipart/form-data; boundary="xyz"'


def body(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(b"--xyz\r\n%b\r\n\r\n%b\r\n" % (head.encode(), data) for head, data in parts) + b"--xyz--\r\n"


async def test_fields_and_files() -> None:
    form = await read_form(
        KIND,
        body(
            ('Content-Disposition: form-data; name="model"', b"whisper"),
            ('Content-Disposition: form-data; name="include[]"', b"logprobs"),
            ('content-disposition: form-data; name="n"', b"1"),
            ('content-disposition: form-data; name="n"', b"2"),
            ('content-disposition: form-data; name="simulator"', b'{"ttft": 1}'),
            (
                'Content-Disposition: form-data; name="file"; filename="a b.wav"\r\nContent-Type: audio/wav',
                b"\r\n--xy\0",
            ),
        ),
    )
    assert members_of(form) == {
        "model": "whisper",
        "include": ["logprobs"],
        "n": ["1", "2"],
        "simulator": {"ttft": 1},
    }
    (file,) = form.files("file")
    assert (file.filename, file.content_type, b"".join(file.content.blocks())) == (
        "a b.wav",
        "audio/wav",
        b"\r\n--xy\0",
    )


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"multipart/form-data", b""),
        (KIND, b""),
        (KIND, b"no form"),
        (KIND, body(("Content-Type: text/plain", b"nameless"))),
        (KIND, body(('Content-Disposition: form-data; name="a"', b"1"))[:-8]),
    ],
)
async def test_an_invalid_form_is_refused(kind: bytes, data: bytes) -> None:
    with pytest.raises(SimulatedError) as caught:
        await read_form(kind, data)
    assert caught.value.status == 400
