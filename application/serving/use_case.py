"""Describe an endpoint: how its body is read, and how it is counted where the upstream does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.call import Call
from domain.errors import InvalidRequestError
from domain.form import Form
from domain.operation import Endpoint
from domain.usage import AudioLength, MeasureAudio, Usage

ErrorDetail = Mapping[str, object]
"""``message``, ``type``, ``param`` and ``code`` of an error in OpenAI's shape."""


def no_json(_fields: Mapping[str, bytes], _request_id: str) -> Call:
    """Refuse JSON, for endpoints that take forms only.

    Raises:
        InvalidRequestError: always.
    """
    raise InvalidRequestError("The request body must be multipart/form-data.")


def no_form(_form: Form, _request_id: str) -> Call:
    """Refuse forms, for endpoints that take JSON only.

    Raises:
        InvalidRequestError: always.
    """
    raise InvalidRequestError("The request body must be a JSON object (Content-Type: application/json).")


def never_failed(_answer: bytes) -> str | None:
    """Return None: a failure is not an answer of this operation."""
    return None


def error_event(_opening: bytes, _latest: bytes, error: ErrorDetail) -> bytes:
    """Return the event that ends most streams with an error: OpenAI's clients raise an exception for it."""
    return b"data: " + json.dumps({"error": error}, separators=(",", ":")).encode() + b"\n\n"


def no_output_estimate(_call: Call, _body: bytes) -> Usage:
    """Return no tokens, for answers that are counted by what was asked for."""
    return Usage()


@dataclass(frozen=True, slots=True)
class UseCase:
    """One operation that a caller can ask for.

    Args:
        endpoint: the path of OpenAI's API.
        estimate_input: tokens that the upstream may charge for once it has read the call, by rule of thumb. Uploaded
            audio is not included, see ``measure``.
        read: makes a call of the members of a JSON body (raw JSON texts) and the request id; raises
            ``InvalidRequestError`` for a member that is missing or wrong.
        read_form: does the same for a multipart form.
        estimate_output: tokens of a complete response whose usage the upstream did not report, by rule of thumb. The
            body is empty for a stream, which counts what it delivered itself.
        adjust_usage: adds exact quantities known from the call (characters, number and size of images) to those known
            so far; the flag says whether the response was complete.
        measure: reads the length of the uploaded audio. Slow: called in a thread, and only where the upstream did not
            report it.
        estimate_duration: estimates it from the size of the upload, where measuring would take too long.
        unit: the name in ``PriceList`` of the price by which such calls may be charged without any report of tokens.
        failure: makes the event that ends a stream of its first block, its latest block and the error.
        failed_code: returns the error code of a complete answer, or of the last block of a stream, that reports that
            the model failed; None if it does not.
        stateful: whether answers are kept by the deployment that gave them, and later calls continue them there.
    """

    endpoint: Endpoint
    estimate_input: Callable[[Call], Usage]
    read: Callable[[Mapping[str, bytes], str], Call] = no_json
    read_form: Callable[[Form, str], Call] = no_form
    estimate_output: Callable[[Call, bytes], Usage] = no_output_estimate
    adjust_usage: Callable[[Call, Usage, bool], Usage] | None = None
    measure: Callable[[Call, MeasureAudio], AudioLength] | None = None
    estimate_duration: Callable[[Call], AudioLength] | None = None
    unit: str | None = None
    failure: Callable[[bytes, bytes, ErrorDetail], bytes] = error_event
    failed_code: Callable[[bytes], str | None] = never_failed
    stateful: bool = False
