"""Compare both wires of each vendor that has two: ``python -m tests.wire_comparison`` writes ``docs/wires.json``.

Every member and content part of OpenAI's published chat request is sent on each wire; what reaches the upstream is
compared with what was sent. ``docs/vendors.md`` shows the result.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from typing import Any

from application.ports.providers import Provider
from domain.call import Call
from domain.errors import GatewayError, InvalidRequestError, UpstreamRefusedError
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.usage import Usage
from domain.vendors import VENDORS, ModelType
from llmproxy.providers import make_providers
from llmproxy.settings import Settings
from tests.builders import model_document
from tests.fakes.chat_upstream import completion
from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.vertex import vertex_beside
from tests.fakes.walked_requests import MARK, NEITHER, PARTS, ROLES, USER, chat_values
from tests.tools import ROOT

RESULT = ROOT / "docs" / "wires.json"
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 2},
}
ERROR = {"error": {"message": "No.", "type": "t", "code": "c", "param": "p", "innererror": {"why": "filter"}}}
_WITH_TOOLS = {"parallel_tool_calls": False, "tool_choice": "required"}
CASES = {
    ModelType.GOOGLE_VERTEX_DEEPSEEK: "deepseek-v3.1-maas",
    ModelType.AZURE_FOUNDRY: "Mistral-Large",
    ModelType.GOOGLE_VERTEX: "gemini-2.5-flash",
    ModelType.COHERE: "command-r",
}
"""One vendor for each kind; Vertex's other open models differ from the first in their names only."""


async def _outcome(provider: Provider, document: ModelDocument, upstream: RecordingUpstream, **members: Any) -> str:
    upstream.bodies.clear()
    body = {"model": "public", "messages": USER} | members
    call = Call(Endpoint.CHAT_COMPLETIONS, "public", {name: json.dumps(each).encode() for name, each in body.items()})
    try:
        await provider.answer(call, document)
    except InvalidRequestError:
        return "refused"
    except GatewayError:
        pass
    return json.dumps(upstream.bodies[0], sort_keys=True) if upstream.bodies else "refused"


async def compare(provider: Provider, document: ModelDocument, upstream: RecordingUpstream) -> dict[str, Any]:
    """Send every member and part, an answer with every usage detail, and an error with a member of its own."""
    plain = await _outcome(provider, document, upstream)
    refused: dict[str, list[str]] = {"members": [], "parts": []}
    lost: dict[str, list[str]] = {"members": [], "parts": []}
    for name, value in chat_values().items():
        if name not in NEITHER:
            beside = {"tools": chat_values()["tools"]} if name in _WITH_TOOLS else {}
            sent = await _outcome(provider, document, upstream, **beside | {name: _WITH_TOOLS.get(name, value)})
            without = await _outcome(provider, document, upstream, **beside) if beside else plain
            if sent in {"refused", without}:
                (refused if sent == "refused" else lost)["members"].append(name)
    for role, messages in ROLES.items():
        for kind, part in PARTS.items():
            sent = await _outcome(
                provider, document, upstream, messages=messages([{"type": "text", "text": "t"}, part])
            )
            if MARK not in sent:
                (refused if sent == "refused" else lost)["parts"].append(f"{role}: {kind}")
    made = {"refused": refused, "without effect": lost}
    return made | {
        "usage": await _usage(provider, document, upstream),
        "error": await _error(provider, document, upstream),
    }


async def _usage(provider: Provider, document: ModelDocument, upstream: RecordingUpstream) -> list[str]:
    """Name the quantities that are read from an answer in OpenAI's format."""
    upstream.send_json(completion(usage=USAGE))
    call = Call(Endpoint.CHAT_COMPLETIONS, "public", {"messages": json.dumps(USER).encode()})
    try:
        usage = (await provider.answer(call, document)).usage or Usage()
    except GatewayError:
        return []
    return [each.name for each in fields(Usage) if getattr(usage, each.name)]


async def _error(provider: Provider, document: ModelDocument, upstream: RecordingUpstream) -> list[str]:
    """Name the members of an upstream's error that reach the caller."""
    upstream.send_json(ERROR)
    upstream.status = 400
    call = Call(Endpoint.CHAT_COMPLETIONS, "public", {"messages": json.dumps(USER).encode()})
    try:
        await provider.answer(call, document)
    except UpstreamRefusedError as error:
        shown = {"message": error.message, "type": error.kind, "param": error.param, "code": error.code}
        return [name for name, value in (shown | dict(error.members)).items() if value]
    finally:
        upstream.status = 200
    return []


async def main() -> None:
    """Compare and write the result."""
    found: dict[str, dict[str, Any]] = {}
    with RecordingUpstream(json.dumps(completion()).encode()) as upstream, vertex_beside(upstream.url) as front:
        settings = {"VENDOR_API_KEY": "sk-vendor-0123456789", "ROBOT": front.service_account()}
        providers = make_providers(Settings(), settings)
        await providers.litellm.loaded()
        for model_type, code in CASES.items():
            google = {"secret_name": "ROBOT", "gcp_project": "p", "location": "us-central1"}
            reach: dict[str, Any] = google if "Google" in model_type else {"secret_name": "VENDOR_API_KEY"}
            for wire in VENDORS[model_type].wires:
                upstream.send_json(completion())
                parameters = Parameters(
                    **reach, endpoint=front.url if "Google" in model_type else upstream.url, wire=wire
                )
                document = model_document(code=code, model_type=model_type, parameters=parameters)
                found.setdefault(model_type, {})[wire] = await compare(providers.dispatch, document, upstream)
        await providers.pool.close()
        await providers.google.close()
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
