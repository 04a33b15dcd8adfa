"""Chat completions that the upstream did not count: tokens by rule of thumb, from the texts that went over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from application.use_cases.members import taken
from domain.call import Call
from domain.usage import AUDIO_TOKENS, IMAGE_TOKENS, Usage, estimate_tokens


def estimate_input(call: Call) -> Usage:
    """What went in: the text of messages and tool definitions, and a fixed figure for each image and piece of audio."""
    characters, tokens = 0, 0
    messages = taken(call.fields["messages"])
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ({"text": content},):
            if isinstance(part, dict):
                characters += sum(len(part[name]) for name in ("text", "refusal") if isinstance(part.get(name), str))
                tokens += {"image_url": IMAGE_TOKENS, "input_audio": AUDIO_TOKENS}.get(str(part.get("type")), 0)
    for name in ("tools", "functions"):
        if name in call.fields:
            definitions = taken(call.fields[name])
            characters += len(json.dumps(definitions, separators=(",", ":"), ensure_ascii=False)) if definitions else 0
    return Usage(input_tokens=estimate_tokens(characters) + tokens)


def estimate_output(_call: Call, body: bytes) -> Usage:
    """What a whole answer adds."""
    answer = taken(body)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    listed = choices if isinstance(choices, list) else ()
    messages = [choice.get("message") for choice in listed if isinstance(choice, dict)]
    return Usage(output_tokens=estimate_tokens(sum(map(written, messages))))


def written(message: object) -> int:
    """Characters that the model wrote in a message, or in a stream's delta.

    Text, refusal, reasoning, what was said aloud, and names and arguments of tool calls.
    """
    return sum(map(len, _texts(message))) if isinstance(message, dict) else 0


def _texts(message: dict[str, Any]) -> Iterator[str]:
    # The same thoughts come under either name, or under both: count them once.
    found = [
        message.get("content"),
        message.get("refusal"),
        message.get("reasoning_content") or message.get("reasoning"),
    ]
    audio = message.get("audio")
    if isinstance(audio, dict):
        found.append(audio.get("transcript"))
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    for function in (*functions, message.get("function_call")):
        if isinstance(function, dict):
            found += [function.get("name"), function.get("arguments")]
    yield from (text for text in found if isinstance(text, str))
