"""Rules of thumb for what no upstream counted: tokens of texts, images and audio, texts of messages and items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

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

USUAL_OUTPUT = 4096
"""Output tokens of a call where neither the request nor the document limits them."""

REASONING_TOKENS_PER_SECOND = 200
"""Hidden reasoning of a stream that was cut: more than nearly every model writes, so that the estimate is high."""

_CEILINGS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_CHOICES = ("n", "best_of")
_LONGEST_NUMBER = 15

_REASONING_MODEL = re.compile(
    r"(?:^|[/.:_-])(?:o[1-9](?:$|-)|gpt-5|gpt-oss|deepseek-r|deepseek-reasoner|gemini-(?:2\.5|[3-9])|grok-(?:3-mini|[4-9])"
    r"|magistral|qwq|qwen3|glm-4\.[5-9]|kimi-k2-thinking)|thinking|reasoning",
    re.IGNORECASE,
)
"""Names of models that reason before they answer."""

_REASONING_MEMBERS = ("reasoning_effort", "reasoning", "thinking")
_NO_REASONING = frozenset({b"null", b'"none"', b'"minimal"'})

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


def output_ceiling(fields: Mapping[str, bytes], defaults: Mapping[str, object], longest: int | None) -> int:
    """Return the most output tokens of a call, all its choices together.

    Args:
        fields: members of the request, as raw JSON.
        defaults: request defaults of the document.
        longest: output tokens that the model can write in one answer, if known.
    """
    asked = max((_number(fields.get(name)) for name in _CEILINGS), default=0)
    if not asked:
        asked = max((value for name in _CEILINGS if isinstance(value := defaults.get(name), int)), default=0)
    choices = max(1, *(_number(fields.get(name)) for name in _CHOICES))
    return (asked or longest or USUAL_OUTPUT) * choices


def may_reason(names: Iterable[str], fields: Mapping[str, bytes]) -> bool:
    """Return whether a model may reason before it answers, by its names or because the request asks for it."""
    if any(name in fields and bytes(fields[name]) not in _NO_REASONING for name in _REASONING_MEMBERS):
        return True
    return any(map(_REASONING_MODEL.search, names))


def _number(raw: bytes | None) -> int:
    text = b"" if raw is None else bytes(raw)
    return int(text) if text.isdigit() and len(text) <= _LONGEST_NUMBER else 0


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
