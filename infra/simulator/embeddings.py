"""``POST /v1/embeddings``: vectors of length one, the same for the same input."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from domain.usage import Usage
from infra.simulator.checks import check_model, expect, missing, number, one_of, wrong
from infra.simulator.prompts import read_inputs, tokens_of
from infra.simulator.reply import Reply, Request, Whole

DIMENSIONS = 1536
_MOST_DIMENSIONS = 3072
_LONGEST_INPUT = 8192
_LONGEST_REQUEST = 300_000
"""OpenAI's limits, in tokens."""


def plan(request: Request) -> Reply:
    """Plan the answer to a request for embeddings.

    Raises:
        SimulatedError: 400, invalid request.
    """
    body = request.members
    _validate(body)
    inputs = read_inputs(body, "input")
    for one in inputs.each:
        if tokens_of(one) > _LONGEST_INPUT:
            message = f"This model's maximum context length is {_LONGEST_INPUT} tokens, however you requested "
            raise wrong(
                f"{message}{tokens_of(one)} tokens. Please reduce your prompt.", "input", "context_length_exceeded"
            )
    if inputs.tokens > _LONGEST_REQUEST:
        message = f"Requested {inputs.tokens} tokens, max {_LONGEST_REQUEST} tokens per request"
        raise wrong(message, "input", "max_tokens_per_request")
    used = Usage(input_tokens=inputs.tokens)
    return Reply(
        answer=Whole(partial(_write, body, inputs.each, used if request.with_usage else None)),
        usage=used,
        begun=used,
        reported=used if request.with_usage else None,
    )


def _validate(body: Mapping[str, Any]) -> None:
    check_model(body)
    if body.get("input") is None:
        raise missing("input")
    number(body, "dimensions", 1, _MOST_DIMENSIONS, whole=True)
    if body.get("encoding_format") is not None:
        one_of(body["encoding_format"], ("float", "base64"), "encoding_format")
    if body.get("user") is not None:
        expect(body["user"], str, "user", "a string")


def _write(body: Mapping[str, Any], inputs: tuple[str | tuple[int, ...], ...], usage: Usage | None) -> bytes:
    dimensions = body.get("dimensions") or DIMENSIONS
    packed = body.get("encoding_format") == "base64"
    answer: dict[str, Any] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": msgspec.Raw(_vector(one, dimensions, packed=packed))}
            for index, one in enumerate(inputs)
        ],
        "model": body["model"],
    }
    if usage is not None:
        answer["usage"] = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
    return msgspec.json.encode(answer)


def _vector(one: str | tuple[int, ...], dimensions: int, *, packed: bool) -> bytes:
    """Encode a vector of length one: single-precision numbers of one size, whose signs depend on the input.

    A shorter vector has the signs of the begin of a longer one.

    Returns:
        JSON: an array, or base64 of little-endian numbers.
    """
    encoded = one if isinstance(one, str) else ",".join(map(str, one))
    kind = b"s" if isinstance(one, str) else b"t"
    signs = hashlib.shake_128(kind + encoded.encode("utf-8", "surrogatepass")).digest(-(-dimensions // 8))
    octets = _octets(dimensions, packed=packed)
    width = len(octets[0]) // 8
    numbers = b"".join(map(octets.__getitem__, signs))[: dimensions * width]
    return b'"%b"' % base64.b64encode(numbers) if packed else b"[%b]" % numbers[:-1]


@lru_cache(maxsize=16)
def _octets(dimensions: int, *, packed: bool) -> list[bytes]:
    """Return the encoding of eight numbers for each byte of signs, all of the same length.

    A batch is millions of numbers: encoding them one by one would block other calls.
    """
    (size,) = struct.unpack("<f", struct.pack("<f", 1 / math.sqrt(dimensions)))
    minus, plus = (struct.pack("<f", -size), struct.pack("<f", size)) if packed else (b"%r," % -size, b" %r," % size)
    return [b"".join(plus if byte >> bit & 1 else minus for bit in range(8)) for byte in range(256)]
