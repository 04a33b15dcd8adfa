"""Requests and mock responses of operations other than chat completions."""

from __future__ import annotations

import base64
import json
import struct
import zlib

TEXTS = 100
FLOATS = 1536
PICTURE_BYTES = 5_000_000
UPLOAD_BYTES = 20_000_000
SPEECH_BYTES = 1_000_000

BOUNDARY = "bench-0123456789abcdef"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JSON = "application/json"

EMBEDDINGS = "embeddings"
PICTURE = "images/generations"
TRANSCRIPTION = "audio/transcriptions"
SPEECH = "audio/speech"

_TEXT = "Some words of a text whose meaning is wanted as a list of numbers. "


def request(endpoint: str, model: str) -> tuple[str, bytes]:
    """Content type and body of a request to one of these endpoints."""
    if endpoint == TRANSCRIPTION:
        return FORM, _upload(model)
    fields: dict[str, object] = {"model": model, "input": [f"{number} {_TEXT}" for number in range(TEXTS)]}
    if endpoint == PICTURE:
        fields = {"model": model, "prompt": "A quiet harbour in the morning", "n": 1, "size": "1024x1024"}
    elif endpoint == SPEECH:
        fields = {"model": model, "input": _TEXT * 10, "voice": "alloy", "response_format": "mp3"}
    return JSON, _json(fields)


def answer(endpoint: str) -> tuple[str, bytes]:
    """Content type and body of the mock upstream's answer."""
    if endpoint == SPEECH:
        return "audio/mpeg", b"\xff\xf3\x44\xc4" * (SPEECH_BYTES // 4)
    usage: dict[str, object] = {"prompt_tokens": 1900, "total_tokens": 1900}
    if endpoint == EMBEDDINGS:
        vector = [round(0.03 - 0.00004 * place, 8) for place in range(FLOATS)]
        data = [{"object": "embedding", "index": number, "embedding": vector} for number in range(TEXTS)]
        return JSON, _json({"object": "list", "data": data, "model": "bench", "usage": usage})
    if endpoint == PICTURE:
        usage = {"input_tokens": 12, "output_tokens": 4160, "total_tokens": 4172}
        usage["input_tokens_details"] = {"text_tokens": 12, "image_tokens": 0}
        picture = base64.b64encode(_png()).decode()
        head = {"created": 1_760_000_000, "size": "1024x1024", "quality": "high", "output_format": "png"}
        return JSON, _json({**head, "data": [{"b64_json": picture}], "usage": usage})
    return JSON, _json({"text": _TEXT * 20, "usage": {"type": "duration", "seconds": 625}})


def complete(endpoint: str, body: bytes) -> bool:
    """Return whether a response arrived completely."""
    if endpoint == SPEECH:
        return len(body) == SPEECH_BYTES // 4 * 4
    least = {EMBEDDINGS: TEXTS * FLOATS * 4, PICTURE: PICTURE_BYTES}.get(endpoint, len(_TEXT) * 20)
    return len(body) >= least and body.rstrip().endswith(b"}")


def _upload(model: str) -> bytes:
    """Return a form as the official client writes it, with a WAV file."""
    size = UPLOAD_BYTES - 44
    head = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    fields = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("model", model), ("response_format", "json"))
    )
    file = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="talk.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    data = head + b"data" + struct.pack("<I", size) + bytes(size)
    return fields.encode() + file.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def _png() -> bytes:
    """Return a 1024 x 1024 image, padded to the size of a real one."""
    rows = b"".join(b"\0" + bytes([line % 256]) * 1024 for line in range(1024))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1024, 1024, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"tEXt", b"Comment\0" + b"x" * (PICTURE_BYTES * 3 // 4)),
        (b"IEND", b""),
    ]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
