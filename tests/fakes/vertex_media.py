"""Answers of Google's APIs that aimock does not support: embeddings, images, speech and transcripts.

Formats as in Google's REST references: ``predict`` of Vertex AI (embeddings, Imagen), its ``embedContent`` and its
``generateContent`` with images and audio, ``text:synthesize`` of Cloud Text-to-Speech v1, ``recognize`` of Cloud
Speech-to-Text v2.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + b"made up"
MP3 = b"ID3" + b"\x01" * 70_000
PCM = b"\x01\x02" * 24_000
"""A second of Gemini's samples."""


def media_answer(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the answer to a request; None if it is for aimock."""
    if path.endswith(":predict"):
        return _images(body) if "prompt" in body["instances"][0] else _embeddings(body)
    if path.endswith(":embedContent"):
        return _embedding(body)
    if path.endswith("/v1/text:synthesize"):
        return {"audioContent": b64encode(MP3).decode()}
    if path.endswith("/recognizers/_:recognize"):
        return _recognized()
    return _gemini(body.get("generationConfig") or {})


def _gemini(config: dict[str, Any]) -> dict[str, Any] | None:
    if "audioTranscriptionConfig" in config:
        return _generated({"text": "Good morning."}, ("AUDIO", 50), ("TEXT", 4))
    modalities = [str(each).upper() for each in config.get("responseModalities") or ()]
    if modalities == ["IMAGE"]:
        return _generated(_inline("image/png", PNG), ("TEXT", 12), ("IMAGE", 1290))
    if modalities == ["AUDIO"]:
        return _generated(_inline("audio/L16;codec=pcm;rate=24000", PCM), ("TEXT", 6), ("AUDIO", 25))
    return None


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    size = body["parameters"].get("outputDimensionality", 768)

    def embedding(text: str) -> dict[str, Any]:
        statistics = {"token_count": -(-len(text) // 4), "truncated": False}
        return {"embeddings": {"values": [0.5] * size, "statistics": statistics}}

    return {"predictions": [embedding(instance["content"]) for instance in body["instances"]]}


def _embedding(body: dict[str, Any]) -> dict[str, Any]:
    """Return a vector for all parts together; its number is the length of the text."""
    characters = sum(len(part["text"]) for part in body["content"]["parts"])
    details = [{"modality": "TEXT", "tokenCount": characters}]
    usage = {"promptTokenCount": characters, "totalTokenCount": characters, "promptTokensDetails": details}
    return {"embedding": {"values": [float(characters)]}, "usageMetadata": usage}


def _images(body: dict[str, Any]) -> dict[str, Any]:
    image = {"mimeType": "image/png", "bytesBase64Encoded": b64encode(PNG).decode()}
    return {"predictions": [image] * body["parameters"]["sampleCount"]}


def _recognized() -> dict[str, Any]:
    alternative = {"transcript": "Good morning.", "confidence": 0.9}
    return {
        "results": [{"alternatives": [alternative], "resultEndOffset": "2.5s", "languageCode": "en-us"}],
        "metadata": {"totalBilledDuration": "3s"},
    }


def _inline(mime_type: str, data: bytes) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": b64encode(data).decode()}}


def _generated(part: dict[str, Any], sent: tuple[str, int], made: tuple[str, int]) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": sent[1],
            "candidatesTokenCount": made[1],
            "totalTokenCount": sent[1] + made[1],
            "promptTokensDetails": [{"modality": sent[0], "tokenCount": sent[1]}],
            "candidatesTokensDetails": [{"modality": made[0], "tokenCount": made[1]}],
        },
        "modelVersion": "made-up",
    }
