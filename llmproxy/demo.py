"""The demo: documents and a project for first calls, and the lines to paste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from application.ports.catalog_store import CatalogStore, Kind
from domain.api_key import ApiKey
from domain.documents.write import project_body, with_key

PROJECT = "demo"
MODEL = "demo"
"""The model in the lines to paste: a vendor's if its key is set, else the simulator's."""

_CHAT = ("ChatCompletion",)
_RESPONSES = ("Responses",)
_INPUT = "cost_input_1Mtokens"


async def prepare_demo(store: CatalogStore, environment: Mapping[str, str], key: str) -> list[str]:
    """Write the demo's documents and its project; return the models that it can call, the pasted one first.

    Only documents whose id begins with ``demo`` are touched.
    """
    documents = _documents(environment)
    wanted = {str(document["id"]) for document in documents}
    for stored in await store.load(Kind.MODEL):
        if stored.id.startswith("demo-") and stored.id not in wanted:
            await store.delete(Kind.MODEL, stored.id)
    for document in documents:
        await store.put(Kind.MODEL, document)
    await store.put(Kind.PROJECT, _project(key))
    return list(dict.fromkeys(str(document["code"]) for document in documents))


def lines_to_paste(base_url: str, key: str, models: list[str], data: str, admin_key: str) -> str:
    """Return the text for the terminal once the demo is ready."""
    return f"""
LLM Proxy demo is ready.
  base_url  {base_url}/v1
  key       {key}
  models    {", ".join(models)}
  data      {data}
  admin     {base_url}/admin (key of an administrator: {admin_key})

Paste this into a shell:

curl {base_url}/v1/chat/completions -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
  -d '{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

Or this into Python (pip install openai):

from openai import OpenAI
client = OpenAI(base_url="{base_url}/v1", api_key="{key}")
messages = [{{"role": "user", "content": "Hello!"}}]
for chunk in client.chat.completions.create(model="{MODEL}", messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="", flush=True)
"""


def _documents(environment: Mapping[str, str]) -> list[dict[str, object]]:
    real = [*_openai(environment), *_azure(environment), *_anthropic(environment)]
    simulated = _simulated()
    first = real[0] if real else simulated[0]
    demo = {**first, "id": "demo-default", "code": MODEL, "name": f"Demo: {first['name']}"}
    parameters = demo["parameters"]
    if isinstance(parameters, dict) and real:
        demo["parameters"] = {"model": first["code"], **parameters}
    return [demo, *real, *simulated]


def _simulated() -> list[dict[str, object]]:
    """Return a model for every operation, with typical prices."""
    return [
        _document("simulated-chat", "Simulator", "Simulator", {}, _tokens("0.5", "1.5"), (*_CHAT, *_RESPONSES)),
        _document("simulated-embeddings", "Simulator", "Simulator", {}, {_INPUT: "0.02"}, ("embeddings",)),
        _document(
            "simulated-images",
            "Simulator",
            "Simulator",
            {"model": "simulated-gpt-image"},  # the simulator answers as that family does: base64, counted in tokens
            {_INPUT: "5", "cost_image_input_1Mtokens": "10", "cost_image_output_1Mtokens": "40"},
            ("images",),
        ),
        _document("simulated-speech", "Simulator", "Simulator", {}, {"cost_1Mcharacters": "15"}, ("audio_tts",)),
        _document("simulated-transcription", "Simulator", "Simulator", {}, {"cost_minute": "0.006"}, ("audio_stt",)),
    ]


def _openai(environment: Mapping[str, str]) -> list[dict[str, object]]:
    if not environment.get("OPENAI_API_KEY"):
        return []
    parameters = {"secret_name": "OPENAI_API_KEY"}
    prices = _tokens("0.15", "0.6", cached="0.075")
    return [_document("gpt-4o-mini", "OpenAI", "OpenAI", parameters, prices, (*_CHAT, *_RESPONSES))]


def _azure(environment: Mapping[str, str]) -> list[dict[str, object]]:
    if not (environment.get("AZURE_OPENAI_API_KEY") and environment.get("AZURE_OPENAI_ENDPOINT")):
        return []
    deployment = environment.get("AZURE_OPENAI_DEPLOYMENT") or environment.get("AZURE_OPENAI_DEPLOYMENT_NAME")
    parameters = {
        "secret_name": "AZURE_OPENAI_API_KEY",
        "endpoint": "AZURE_OPENAI_ENDPOINT",
        "deployment_name": deployment or "gpt-4o-mini",
        "api_version": environment.get("AZURE_OPENAI_API_VERSION") or "2024-10-21",
    }
    return [_document("azure-chat", "Azure", "AzureOpenAI", parameters, _tokens("0.15", "0.6"))]


def _anthropic(environment: Mapping[str, str]) -> list[dict[str, object]]:
    if not environment.get("ANTHROPIC_API_KEY"):
        return []
    parameters = {"secret_name": "ANTHROPIC_API_KEY"}
    return [_document("claude-haiku-4-5", "Anthropic", "Anthropic", parameters, _tokens("1", "5", cached="0.1"))]


def _tokens(read: str, written: str, cached: str | None = None) -> dict[str, str]:
    costs = {_INPUT: read, "cost_output_1Mtokens": written}
    return costs if cached is None else costs | {"cost_cached_input_1Mtokens": cached}


def _document(
    code: str,
    provider: str,
    model_type: str,
    parameters: dict[str, str],
    costs: Mapping[str, str],
    operations: Sequence[str] = _CHAT,
) -> dict[str, object]:
    return {
        "id": f"demo-{code}",
        "code": code,
        "name": f"{code} ({provider})",
        "provider": provider,
        "model_type": model_type,
        "private": False,
        "projects": [],
        "parameters": parameters,
        "costs": {"currency": "USD", **costs},
        "operations": list(operations),
    }


def _project(key: str) -> dict[str, object]:
    kept = ApiKey.of(key, key_id="demo-key", name="demo", created_at=datetime.now(UTC))
    return with_key(project_body(PROJECT, "Demo"), kept)
