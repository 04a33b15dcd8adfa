from __future__ import annotations

import gzip
import zlib

import pytest

from infra.clients.http.decoding import Decoder, decoder_for
from infra.clients.http.errors import ProtocolError

TEXT = b"".join(b"line %d\n" % number for number in range(50))
BARE = zlib.compressobj(wbits=-15)
BODIES = [
    (b"gzip", gzip.compress(TEXT)),
    (b"gzip", gzip.compress(TEXT) + bytes(16)),
    (b"gzip", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
    (b" X-GZIP ", gzip.compress(TEXT)),
    (b"deflate", zlib.compress(TEXT)),
    (b"deflate", BARE.compress(TEXT) + BARE.flush()),
]


def decode(decoder: Decoder, *pieces: bytes) -> bytes:
    blocks: list[bytes] = []
    for piece in pieces:
        decoder.feed(piece)
        while block := decoder.take():
            blocks.append(block)
    decoder.finish()
    return b"".join(blocks)


def made(encoding: bytes) -> Decoder:
    decoder = decoder_for({b"content-encoding": encoding})
    assert decoder is not None
    return decoder


@pytest.mark.parametrize(("encoding", "raw"), BODIES)
def test_split_anywhere(encoding: bytes, raw: bytes) -> None:
    for cut in range(len(raw)):
        assert decode(made(encoding), raw[:cut], raw[cut:]) == TEXT
    assert decode(made(encoding), *(raw[at : at + 1] for at in range(len(raw)))) == TEXT


@pytest.mark.parametrize(("encoding", "raw"), [BODIES[0], BODIES[4], BODIES[5]])
def test_cut_anywhere(encoding: bytes, raw: bytes) -> None:
    for cut in range(1, len(raw)):
        with pytest.raises(ProtocolError):
            decode(made(encoding), raw[:cut])


@pytest.mark.parametrize("raw", [b"plain text", gzip.compress(TEXT)[:-8] + bytes(8), gzip.compress(TEXT) + b"rest"])
def test_what_is_not_gzip(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(made(b"gzip"), raw)


def test_nothing_at_all_is_no_fault() -> None:
    assert decode(made(b"gzip")) == b""


@pytest.mark.parametrize("expanded", [256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 10_000_000])
def test_blocks_are_bounded_and_complete(expanded: int) -> None:
    decoder = made(b"gzip")
    decoder.feed(gzip.compress(bytes(expanded)))
    sizes: list[int] = []
    while block := decoder.take():
        sizes.append(len(block))
    decoder.finish()
    assert sum(sizes) == expanded
    assert max(sizes) <= 256 * 1024


@pytest.mark.parametrize("headers", [{}, {b"content-encoding": b"identity"}, {b"content-encoding": b""}])
def test_plain_bodies_have_no_decoder(headers: dict[bytes, bytes]) -> None:
    assert decoder_for(headers) is None


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip", b"gzip, br"])
def test_other_encodings_are_refused(encoding: bytes) -> None:
    with pytest.raises(ProtocolError):
        decoder_for({b"content-encoding": encoding})
