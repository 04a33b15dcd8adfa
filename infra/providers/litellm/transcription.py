"""``/audio/transcriptions`` through LiteLLM: Chirp, Gemini's transcription models and others."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError
from domain.form import Form
from domain.usage import Usage
from infra.providers.litellm.answer import encode
from infra.providers.litellm.members import defaults_of, unknown, unsupported
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, always
from infra.providers.litellm.patches.transcription_upload import Upload

_KNOWN = frozenset({"language", "prompt", "response_format", "temperature", "timestamp_granularities"})
_WITHOUT_EFFECT = frozenset({"model", "file", "stream", "user", "chunking_strategy"})
_OPENAI_ONLY = frozenset({"include", "known_speaker_names", "known_speaker_references"})
_PLAIN = ("json", "text")
_RAW = frozenset({"text", "srt", "vtt"})


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    form = _form(request)
    for part in form.parts:
        name = part.name.removesuffix("[]")
        if name in _OPENAI_ONLY:
            raise unsupported(name)
        if name not in _KNOWN | _WITHOUT_EFFECT:
            raise unknown(name)
    if request.call.stream:
        raise unsupported("stream", "This model does not stream transcripts: leave 'stream' out.")
    arguments: dict[str, Any] = dict(defaults_of(request, _KNOWN))
    for name in _KNOWN - {"timestamp_granularities"}:
        value = form.text(name)
        if value:
            arguments[name] = float(value) if name == "temperature" and _is_number(value) else value
    granularities = form.texts("timestamp_granularities")
    if granularities:
        arguments["timestamp_granularities"] = granularities
    part = form.files("file")[0]
    upload: Upload | BytesIO
    if request.target.google:
        _check_google(arguments)
        upload = Upload(part.content)
    else:
        upload = BytesIO(part.content.read(0, part.content.size))
    return arguments | {"file": (part.filename or "audio", upload, part.content_type or "application/octet-stream")}


def _check_google(arguments: dict[str, Any]) -> None:
    if arguments.get("response_format", "json") not in _PLAIN:
        raise unsupported("response_format", "This model writes 'json' and 'text' only.")
    for name in ("prompt", "timestamp_granularities"):
        if name in arguments:
            raise unsupported(name)
    if arguments.pop("temperature", 0) != 0:
        raise unsupported("temperature")


def _answer(response: Any, request: ProviderRequest) -> Answer:
    wanted = _form(request).text("response_format") or "json"
    usage, shown = _usage(response)
    if wanted in _RAW:
        text = response.text if response.text.endswith("\n") else response.text + "\n"
        return Answer(text.encode(), b"text/plain; charset=utf-8", usage)
    body: dict[str, object] = {"text": response.text}
    if wanted == "verbose_json":
        dumped = response.model_dump(exclude_none=True, warnings=False)
        body = {"task": "transcribe"} | {
            name: dumped[name]
            for name in ("task", "language", "duration", "text", "segments", "words")
            if name in dumped
        }
    if shown is not None:
        body["usage"] = shown
    return Answer(encode(body), b"application/json", usage)


def _usage(response: Any) -> tuple[Usage | None, dict[str, object] | None]:
    """Return the upstream's usage (tokens or seconds) and the ``usage`` member for the caller."""
    reported = getattr(response, "usage", None)
    dumped = {} if reported is None else reported if isinstance(reported, dict) else reported.model_dump(warnings=False)
    if dumped.get("type") == "tokens":
        details = dumped.get("input_token_details") or {}
        usage = Usage(
            input_tokens=int(dumped.get("input_tokens") or 0),
            output_tokens=int(dumped.get("output_tokens") or 0),
            audio_input_tokens=int(details.get("audio_tokens") or 0),
        )
        shown = {name: value for name, value in dumped.items() if value is not None}
        return (usage, shown) if usage.input_tokens or usage.output_tokens else (None, None)
    seconds = getattr(response, "duration", None)
    if not isinstance(seconds, int | float) or seconds <= 0:
        return None, None
    return Usage(audio_milliseconds=round(seconds * 1000)), {"type": "duration", "seconds": seconds}


def _form(request: ProviderRequest) -> Form:
    form = request.call.form
    if form is None or not form.files("file"):
        raise InvalidRequestError("Missing required parameter: 'file'.", param="file")
    return form


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        raise InvalidRequestError("'temperature' must be a number.", param="temperature") from None
    return True


TRANSCRIPTION = EndpointAdapter(always("atranscription"), _arguments, _answer)
