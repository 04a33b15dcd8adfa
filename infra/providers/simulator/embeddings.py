"""``POST /v1/embeddings``: vectors of length one, the same for the same input."""

from __future__ import annotations

import base64
import hashlib
import math
import sys
from array import array
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from domain.usage import Usage
from infra.providers.simulator.checks import check_model, expect, missing, number, one_of, wrong
from infra.providers.simulator.plan import Plan, Request, Whole
from infra.providers.simulator.prompts import read_inputs, tokens_of

DIMENSIONS = 1536
_MOST_DIMENSIONS = 3072
_LONGEST_INPUT = 8192
_LONGEST_REQUEST = 300_000
"""Tokens; both are OpenAI's limits."""


def plan(request: Request) -> Plan:
    """The answer to a request for embeddings.

    Raises:
        RefusedError: 400, the request is not well formed.
    """
    body = request.members
    _validate(body)
    inputs = read_inputs(body, "input")
    for one in inputs.each:
        if tokens_of(one) > _LONGEST_INPUT:
            said = f"This model's maximum context length is {_LONGEST_INPUT} tokens, however you requested "
            raise wrong(
                f"{said}{tokens_of(one)} tokens. Please reduce your prompt.", "input", "context_length_exceeded"
            )
    if inputs.tokens > _LONGEST_REQUEST:
        said = f"Requested {inputs.tokens} tokens, max {_LONGEST_REQUEST} tokens per request"
        raise wrong(said, "input", "max_tokens_per_request")
    used = Usage(input_tokens=inputs.tokens)
    return Plan(
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
            {"object": "embedding", "index": index, "embedding": _written(vector(one, dimensions), packed=packed)}
            for index, one in enumerate(inputs)
        ],
        "model": body["model"],
    }
    if usage is not None:
        answer["usage"] = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
    return msgspec.json.encode(answer)


def vector(one: str | tuple[int, ...], dimensions: int) -> array[float]:
    """A vector of length one, in single precision. A shorter one points where the longer one's beginning does."""
    told = one if isinstance(one, str) else ",".join(map(str, one))
    kind = b"s" if isinstance(one, str) else b"t"
    seed = kind + told.encode("utf-8", "surrogatepass")
    raw = array("h", hashlib.shake_128(seed).digest(2 * dimensions))
    if sys.byteorder == "big":
        raw.byteswap()
    length = math.sqrt(sum(each * each for each in raw)) or 1.0
    return array("f", [each / length for each in raw])


def _written(values: array[float], *, packed: bool) -> list[float] | str:
    """As numbers, or as base64 of little-endian single precision."""
    if not packed:
        return values.tolist()
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes()).decode()
