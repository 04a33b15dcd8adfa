"""Transcriptions and translations of speech: reading the form, and measuring the audio."""

from __future__ import annotations

from application.request_body.form_fields import files, form_boolean, form_model
from application.request_body.members import decoded
from application.serving.use_case import UseCase
from domain.call import Call
from domain.estimates import estimate_tokens
from domain.form import Form
from domain.operation import Endpoint
from domain.usage import AudioLength, MeasureAudio, Usage

BYTES_PER_SECOND = 4_000
"""Estimate for audio whose length cannot be read: 32 kbit/s, a low bit rate, so that the length is rather too high."""


def read_transcription(form: Form, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model`` or ``file`` is missing, empty, repeated or of the wrong type; ``stream`` is not a
            boolean.
    """
    return _read(Endpoint.TRANSCRIPTIONS, form, request_id, stream=form_boolean(form, "stream"))


def read_translation(form: Form, request_id: str) -> Call:
    """Read the same for translations, which no upstream streams.

    Raises:
        InvalidRequestError: ``model`` or ``file`` is missing, empty, repeated or of the wrong type.
    """
    return _read(Endpoint.TRANSLATIONS, form, request_id, stream=False)


def estimate_input(call: Call) -> Usage:
    """Estimate the text that was sent with the audio."""
    prompt = None if call.form is None else call.form.text("prompt")
    return Usage(input_tokens=estimate_tokens(len(prompt or "")))


def estimate_output(_call: Call, body: bytes) -> Usage:
    """Estimate the output: ``text`` of a JSON object, or all of a body that is not JSON (plain text, SRT, WebVTT)."""
    answer = decoded(body)
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        text = body.decode("utf-8", "replace")
    return Usage(output_tokens=estimate_tokens(len(text)))


def measure(call: Call, length_ms: MeasureAudio) -> AudioLength:
    """Read the length of the upload; estimate it from the size if it cannot be read."""
    if call.form is None:
        return AudioLength(0, exact=True)
    (upload,) = call.form.files("file")
    milliseconds = length_ms(upload.content)
    return estimate_duration(call) if milliseconds is None else AudioLength(milliseconds, exact=True)


def estimate_duration(call: Call) -> AudioLength:
    """Estimate the length of the upload from its size."""
    parts = () if call.form is None else call.form.files("file")
    return AudioLength(sum(-(-part.content.size * 1000 // BYTES_PER_SECOND) for part in parts), exact=False)


def _read(endpoint: Endpoint, form: Form, request_id: str, *, stream: bool) -> Call:
    files(form, "file", most=1)
    return Call(endpoint, form_model(form), {}, stream=stream, request_id=request_id, form=form)


TRANSCRIPTION = UseCase(
    Endpoint.TRANSCRIPTIONS,
    estimate_input,
    read_form=read_transcription,
    estimate_output=estimate_output,
    measure=measure,
    estimate_duration=estimate_duration,
    unit="minute",
)
TRANSLATION = UseCase(
    Endpoint.TRANSLATIONS,
    estimate_input,
    read_form=read_translation,
    estimate_output=estimate_output,
    measure=measure,
    estimate_duration=estimate_duration,
    unit="minute",
)
