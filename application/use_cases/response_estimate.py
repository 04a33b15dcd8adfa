"""Responses that the upstream did not count: tokens by rule of thumb, from the texts that went over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator

from application.use_cases.members import string, taken
from domain.call import Call
from domain.usage import AUDIO_TOKENS, IMAGE_TOKENS, Usage, estimate_tokens

_WRITTEN = ("text", "refusal", "name", "arguments", "input")
"""Members of items and of their parts that are texts for, or of, the model."""

_CONTAINERS = ("content", "output", "summary")
"""Members that are a text or hold parts."""

_ATTACHED = {"input_image": IMAGE_TOKENS, "input_file": IMAGE_TOKENS, "input_audio": AUDIO_TOKENS}
"""A file counts as one page, which models look at like at an image."""


def estimate_input(call: Call) -> Usage:
    """What went in: instructions, the text of all items, tool definitions, and a fixed figure for each attachment.

    What an earlier response brings with it is not known here.
    """
    characters = len(string(call.fields, "instructions") or "")
    tokens = 0
    items = taken(call.fields.get("input", b"null"))
    if isinstance(items, str):
        characters += len(items)
    for part in _parts(items):
        characters += _characters(part)
        tokens += _ATTACHED.get(str(part.get("type")), 0)
    definitions = taken(call.fields.get("tools", b"null"))
    if definitions:
        characters += len(json.dumps(definitions, separators=(",", ":"), ensure_ascii=False))
    return Usage(input_tokens=estimate_tokens(characters) + tokens)


def estimate_output(_call: Call, body: bytes) -> Usage:
    """What a whole answer adds: text, refusals, reasoning that is shown, and names and arguments of tool calls."""
    answer = taken(body)
    output = answer.get("output") if isinstance(answer, dict) else None
    return Usage(output_tokens=estimate_tokens(sum(map(_characters, _parts(output)))))


def _parts(items: object) -> Iterator[dict[str, object]]:
    """Items and the parts inside them, one after the other."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
            for name in _CONTAINERS:
                yield from _parts(item.get(name))


def _characters(part: dict[str, object]) -> int:
    texts = (part.get(name) for name in (*_WRITTEN, *_CONTAINERS))
    return sum(len(text) for text in texts if isinstance(text, str))
