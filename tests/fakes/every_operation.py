"""A good call of every operation, for tests that spoil it, and what they look at then: the error, the ledger's line."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.builders import recording
from tests.fakes.llmproxy_server import LLMProxy
from tests.fakes.processes import wait_until

EVERYTHING = ["ChatCompletion", "Responses", "embeddings", "images", "audio_tts", "audio_stt"]
"""For the ``operations`` of a document."""


def picture(width: int = 16, height: int = 16) -> bytes:
    """Make a black PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + bytes(3 * width)) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


RECORDING = recording(500)
PICTURE = picture()

BODIES: Mapping[str, Mapping[str, object]] = {
    "chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "completions": {"prompt": "Once upon a time"},
    "responses": {"input": "Why?"},
    "embeddings": {"input": "word", "dimensions": 8},
    "images/generations": {"prompt": "a harbour", "size": "256x256"},
    "images/edits": {"prompt": "a harbour", "images": [{"image_url": "data:image/png;base64,iVBORw0KGgo="}]},
    "audio/speech": {"input": "Good morning.", "voice": "alloy"},
}
"""Members of each JSON body but for the model."""

Files = Mapping[str, tuple[str, bytes, str]]

FORMS: Mapping[str, tuple[Mapping[str, str], Files]] = {
    "images/edits": ({"prompt": "a harbour", "size": "256x256"}, {"image": ("a.png", PICTURE, "image/png")}),
    "audio/transcriptions": ({}, {"file": ("talk.wav", RECORDING, "audio/wav")}),
    "audio/translations": ({}, {"file": ("talk.wav", RECORDING, "audio/wav")}),
}
"""Fields and files of each form but for the model."""

PATHS = tuple(dict.fromkeys([*BODIES, *FORMS]))
"""Every operation's path below ``/v1/``."""

STREAMS = ("chat/completions", "completions", "responses", "images/generations", "audio/transcriptions")
"""Those that are streamed as events where ``stream`` asks for it."""


def client_of(proxy: LLMProxy, key: str = "") -> httpx.Client:
    """Return a client with a key of the proxy."""
    headers = {"authorization": f"Bearer {key or proxy.key}"}
    return httpx.Client(base_url=f"{proxy.url}/v1", headers=headers, timeout=30)


def post(client: httpx.Client, path: str, model: str, **over: object) -> httpx.Response:
    """Make a valid call with some members replaced: a form where the operation requires one, otherwise JSON."""
    if path in BODIES:
        return client.post(f"/{path}", json={"model": model, **BODIES[path], **over})
    return post_form(client, path, model, None, **over)


def post_form(
    client: httpx.Client, path: str, model: str, files: Files | None = None, **over: object
) -> httpx.Response:
    """Make a valid call as a form."""
    fields, good = FORMS[path]
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in over.items()}
    return client.post(f"/{path}", data={"model": model, **fields, **texts}, files=good if files is None else files)


class Answered(Protocol):
    """An answer of httpx, or one that was read by hand."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def text(self) -> str: ...


def check_error(answer: Answered, status: int, code: str | None = None, param: str | None = None) -> str:
    """Check the shape of an error and return its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    error = json.loads(answer.text)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param), error
    assert "Traceback" not in answer.text
    message = error["message"]
    assert isinstance(message, str)
    return message


def check_refused(answer: Answered, param: str | None) -> None:
    """Check the error of the proxy for an invalid or missing member."""
    missing = "Missing required parameter" in answer.text
    check_error(answer, 400, "missing_required_parameter" if missing else None, param)


def lines(proxy: LLMProxy) -> dict[str, dict[str, Any]]:
    """Return the ledger's lines by request id, including those waiting in the journal."""
    data = Path(proxy.env["DATA_DIR"])
    found: dict[str, dict[str, Any]] = {}
    for file in data.glob("journal/*/*.ndjson"):
        with suppress(FileNotFoundError):  # handed over meanwhile
            for text in file.read_bytes().splitlines():
                with suppress(ValueError):  # being written
                    line = json.loads(text)
                    if line["exposure_units"] is None:
                        line["exposure_units"] = line["cost_units"]
                    found[line["request_id"]] = line | line.pop("usage")
    with closing(sqlite3.connect(f"file:{data / 'usage.sqlite3'}?mode=ro", uri=True)) as ledger:
        ledger.row_factory = sqlite3.Row
        for row in ledger.execute("SELECT * FROM lines"):
            cost = row["cost_micros"] * 10**6 + row["cost_picos"]
            exposed = row["exposure_micros"]
            exposure = cost if exposed is None else exposed * 10**6 + row["exposure_picos"]
            found[row["request_id"]] = {**dict(row), "cost_units": cost, "exposure_units": exposure}
    return found


def line_of(proxy: LLMProxy, request_id: str) -> dict[str, Any]:
    """Wait for the line of a call and return it."""
    found: dict[str, dict[str, Any]] = {}

    def arrived() -> bool:
        found.update(lines(proxy))
        return request_id in found

    wait_until(arrived, 20, "the ledger line")
    return found[request_id]


def attempts_of(line: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the attempts of a call, from its line."""
    details = line["attempt_details"]
    found: list[dict[str, Any]] = json.loads(details) if isinstance(details, str) else details
    assert len(found) == line["attempts"]
    return found
