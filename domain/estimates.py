"""Rules of thumb for what no upstream counted: tokens of texts, images and audio, texts of messages and items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

CHARACTERS_PER_TOKEN = 4
"""One token is about four characters of English."""

IMAGE_TOKENS = 85
"""An image in a prompt: what OpenAI's vision guide gives for one at low detail."""

AUDIO_TOKENS = 100
"""A piece of audio in a prompt: about ten seconds of speech."""

AUDIO_INPUT_MILLISECONDS = 100
AUDIO_OUTPUT_MILLISECONDS = 50
"""Length of one token of audio, as OpenAI's guide to the costs of its Realtime API gives it for either direction."""

CHARACTERS_PER_SECOND = 15
"""Speech: 150 words of English a minute, each of six characters with its space."""

_SAMPLES = 256
_SAMPLE = 4 * 1024
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]+")
_ESCAPE = len(r"\uXXXX") - 1

_ITEM_TEXTS = ("text", "refusal", "name", "arguments", "input")
"""Members of items and of their parts that are texts for, or of, the model."""

_ITEM_CONTAINERS = ("content", "output", "summary")
"""Members that are a text or hold parts."""


def estimate_tokens(characters: int) -> int:
    """Estimate the tokens of a text, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def sampled_tokens(raw: bytes) -> int:
    """Estimate the tokens in a large JSON text from samples of it, without decoding it.

    Counted are all characters except those of attachments in base64, and a fixed figure for each of these.
    """
    characters, attachments, inside = 0, 0, False
    view = memoryview(raw)
    step = max(len(view) // _SAMPLES, _SAMPLE)
    for start in range(0, len(view), step):
        sample = bytes(view[start : start + _SAMPLE])
        if _BASE64.fullmatch(sample):
            attachments += not inside
            inside = True
        else:
            inside = False
            counted = len(sample.decode("utf-8", "ignore")) - _ESCAPE * sample.count(b"\\u")
            characters += counted * min(step, len(view) - start) // len(sample)
    return estimate_tokens(characters) + attachments * IMAGE_TOKENS


def sampled_count(raw: bytes, byte: bytes) -> int:
    """Estimate how often a byte occurs in a large text, from samples of it."""
    view = memoryview(raw)
    step = max(len(view) // _SAMPLES, _SAMPLE)
    samples = [bytes(view[start : start + _SAMPLE]) for start in range(0, len(view), step)]
    return sum(sample.count(byte) for sample in samples) * len(view) // sum(map(len, samples))


def audio_input_tokens(milliseconds: int) -> int:
    """Estimate the tokens of audio that is sent to a model, rounded up."""
    return -(-milliseconds // AUDIO_INPUT_MILLISECONDS)


def speech_tokens(characters: int) -> int:
    """Estimate the tokens of audio in which a text is read aloud, rounded up."""
    return -(-characters * 1000 // (CHARACTERS_PER_SECOND * AUDIO_OUTPUT_MILLISECONDS))


def message_characters(message: object) -> int:
    """Count the characters that a model wrote in a message of a chat, or in a delta of one.

    Text, refusal, reasoning, transcript of audio, and names and arguments of tool calls. Anything malformed counts 0.
    """
    return sum(map(len, _message_texts(message))) if isinstance(message, Mapping) else 0


def _message_texts(message: Mapping[str, object]) -> Iterator[str]:
    # Reasoning comes under either name, or the same under both (OpenRouter): count it once.
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    found = [message.get("content"), message.get("refusal"), reasoning]
    audio = message.get("audio")
    if isinstance(audio, dict):
        found.append(audio.get("transcript"))
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    for function in (*functions, message.get("function_call")):
        if isinstance(function, dict):
            found += [function.get("name"), function.get("arguments")]
    return (text for text in found if isinstance(text, str))


def item_parts(items: object) -> Iterator[Mapping[str, object]]:
    """Yield the items of a response's input or output, and the parts inside them."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
            for name in _ITEM_CONTAINERS:
                yield from item_parts(item.get(name))


def part_characters(part: Mapping[str, object]) -> int:
    """Count the characters of one item or part, without those of the parts inside it."""
    texts = (part.get(name) for name in (*_ITEM_TEXTS, *_ITEM_CONTAINERS))
    return sum(len(text) for text in texts if isinstance(text, str))
