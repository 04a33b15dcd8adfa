"""Prompts of chats: their tokens, the cached part of them, and a digest that determines the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from domain.estimates import AUDIO_TOKENS, CHARACTERS_PER_TOKEN, IMAGE_TOKENS, estimate_tokens

CACHE_FROM = 1024
CACHE_STEP = 128
_DIGESTED = 64  # characters at both ends of an image or audio that go into the digest


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt.

    Args:
        digest: 32 bytes that depend only on model, seed, texts, attachments and tools.
        tokens: all input tokens.
        cached_tokens: the part that counts as read from a cache.
        audio_tokens: the part that is audio.
        asked: the text of the last user message.
    """

    digest: bytes
    tokens: int
    cached_tokens: int
    audio_tokens: int
    asked: str


@dataclass(slots=True)
class _Sum:
    texts: list[str]
    characters: int = 0
    images: int = 0
    audios: int = 0

    def add_text(self, text: str) -> None:
        self.texts.append(text)
        self.characters += len(text)

    def add_content(self, content: object) -> None:
        if isinstance(content, str):
            self.add_text(content)
        elif isinstance(content, list):
            for part in content:
                self._add_part(part)

    def _add_part(self, part: Mapping[str, Any]) -> None:
        kind = part["type"]
        if kind in {"text", "refusal"}:
            self.add_text(part[kind])
        elif kind == "image_url":
            self.images += 1
            self._mark(part["image_url"]["url"])
        elif kind == "input_audio":
            self.audios += 1
            self._mark(part["input_audio"]["data"])

    def _mark(self, text: str) -> None:
        self.texts.append(f"{len(text)}:{text[:_DIGESTED]}{text[-_DIGESTED:]}")

    @property
    def tokens(self) -> int:
        return estimate_tokens(self.characters) + IMAGE_TOKENS * self.images + AUDIO_TOKENS * self.audios


def read_prompt(body: Mapping[str, Any]) -> Prompt:
    """Count the tokens of a valid request.

    Input is the text of all messages and the JSON of the tool definitions. From 1,024 tokens on, everything before the
    last message counts as cached, rounded down to a multiple of 128.
    """
    total = _Sum([body["model"], str(body.get("seed"))])
    for name in ("tools", "functions"):
        if body.get(name):
            total.add_text(msgspec.json.encode(body[name]).decode())
    *earlier, last = body["messages"]
    for message in earlier:
        total.add_content(message.get("content"))
    before = total.tokens
    total.add_content(last.get("content"))
    tokens = total.tokens
    return Prompt(
        digest=hashlib.sha256("\x1f".join(total.texts).encode()).digest(),
        tokens=tokens,
        cached_tokens=before // CACHE_STEP * CACHE_STEP if tokens >= CACHE_FROM else 0,
        audio_tokens=AUDIO_TOKENS * total.audios,
        asked=_last_user_text(body["messages"]),
    )


def _last_user_text(messages: list[Mapping[str, Any]]) -> str:
    for message in reversed(messages):
        if message["role"] == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            return " ".join(part["text"] for part in content or () if part["type"] == "text")
    return ""


def pieces(text: str) -> list[str]:
    """Split a text into tokens of four characters."""
    return [text[start : start + CHARACTERS_PER_TOKEN] for start in range(0, len(text), CHARACTERS_PER_TOKEN)]
