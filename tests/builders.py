"""Builders of valid objects: a test sets only what it is about."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.api_key import ApiKey, fingerprint
from domain.call import Call
from domain.form import Form, InMemory, Part
from domain.ledger import LedgerLine
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint, Operation
from domain.pricing import PriceList
from domain.project import Project
from domain.usage import Usage, UsageSource
from domain.vendors import ModelType


def ledger_line(**over: Any) -> LedgerLine:
    """Make the line of an ordinary answered call at 2026-11-21 12:00 UTC."""
    line = LedgerLine(
        id="line-1",
        time_ms=1_795_262_400_000,
        request_id="req-1",
        project="billing",
        key_id="key-1",
        operation="ChatCompletion",
        code="gpt-4o",
        document_id="gpt-4o-azure",
        provider="Azure",
        upstream_model="gpt-4o-2024-11-20",
        status=200,
        attempts=1,
        streamed=False,
        latency_ms=812,
        usage=Usage(input_tokens=100, output_tokens=20),
        usage_source=UsageSource.MEASURED,
        cost_units=450_000_000,
        currency="USD",
        first_byte_ms=800,
        prices={"currency": "USD", "input": "2.5", "output": "10"},
    )
    return replace(line, **over)


def model_document(**over: Any) -> ModelDocument:
    """Make a public simulated chat model."""
    document = ModelDocument(
        id="sim-1",
        code="sim",
        name="Simulated",
        provider="Simulator",
        model_type=ModelType.SIMULATOR,
        operations=frozenset({Operation.CHAT_COMPLETION}),
        prices=PriceList(input=Decimal("2.5"), output=Decimal(10)),
        parameters=Parameters(),
        version="1",
    )
    return replace(document, **over)


def project(**over: Any) -> Project:
    """Make a project without keys, limits or budgets."""
    return replace(Project(id="billing", name="Billing", version="1"), **over)


def api_key(key: str = "sk-aaaaaaaaaaaaaaaa", **over: Any) -> ApiKey:
    """Make a stored key, created at 2026-11-21 10:00 UTC, that does not expire."""
    made = datetime(2026, 11, 21, 10, tzinfo=UTC)
    given: dict[str, Any] = {"id": f"key_{key[3:4]}", "name": "ci", "prefix": key[:7], "sha256": fingerprint(key)}
    return ApiKey(**(given | {"created_at": made} | over))


def chat_call(
    named: Mapping[str, Any] | None = None,
    /,
    *,
    stream: bool = False,
    wants_usage: bool = False,
    request_id: str = "",
    **members: Any,
) -> Call:
    """Make a chat completion with these members, as received; names that are not identifiers go into ``named``."""
    body = {"model": "public", "messages": [{"role": "user", "content": "hi"}]} | dict(named or {}) | members
    fields = {name: json.dumps(value).encode() for name, value in body.items()}
    return Call(Endpoint.CHAT_COMPLETIONS, "public", fields, stream, wants_usage, request_id=request_id)


def form(*fields: tuple[str, str | bytes]) -> Form:
    """Make a multipart form: text fields from ``str``, files from ``bytes``."""
    return Form(tuple(_part(name, value) for name, value in fields))


def _part(name: str, value: str | bytes) -> Part:
    head = f'Content-Disposition: form-data; name="{name}"'
    if isinstance(value, str):
        return Part(name, f"{head}\r\n".encode(), InMemory(value.encode()))
    return Part(name, f'{head}; filename="upload"\r\n'.encode(), InMemory(value), filename="upload")


def recording(milliseconds: int) -> bytes:
    """Make a WAV file of silence."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16 * milliseconds))
    return made.getvalue()


def model_body(**over: object) -> dict[str, object]:
    """Make the JSON of a model document, as operators write it."""
    body: dict[str, object] = {
        "id": "sim-1",
        "code": "sim",
        "name": "Simulated",
        "provider": "Simulator",
        "model_type": "Simulator",
        "private": False,
        "projects": [],
        "parameters": {},
        "operations": ["ChatCompletion"],
        "costs": {"currency": "USD", "cost_input_1Mtokens": Decimal("2.5"), "cost_output_1Mtokens": 10},
    }
    return body | over


def project_body(**over: object) -> dict[str, object]:
    """Make the JSON of a project document."""
    body: dict[str, object] = {"id": "billing", "name": "Billing", "enabled": True, "keys": [], "tags": {}}
    return body | over
