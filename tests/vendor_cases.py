"""Documents that reach every endpoint of every model type, called by ``tests/e2e/test_vendors.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.operation import Endpoint
from domain.vendors import VENDORS, ModelType
from tests.fakes.llmproxy_server import simulated

TEXT = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
IMAGES = frozenset({Endpoint.IMAGE_GENERATIONS, Endpoint.IMAGE_EDITS})
COSTS = {
    "currency": "USD",
    "cost_input_1Mtokens": 2.5,
    "cost_output_1Mtokens": 10,
    "cost_1Mcharacters": 15,
    "cost_minute": "0.006",
    "cost_image": "0.04",
}
_KEY = {"secret_name": "VENDOR_API_KEY"}
_GOOGLE = {"secret_name": "GOOGLE_ROBOT", "gcp_project": "p1", "location": "us-central1", "endpoint": "{front}"}


@dataclass(frozen=True, slots=True)
class VendorCase:
    """A document, and the endpoints that are called with it.

    Args:
        code: of the document.
        kind: its model type.
        parameters: its parameters; ``{mock}``, ``{front}`` and ``{simulator}`` stand for addresses of upstreams.
        endpoints: what is called.
        unseen: quantities that the upstream reports and that the answer has no place for.
        speaks: the format of speech that is asked for.
    """

    code: str
    kind: ModelType
    parameters: Mapping[str, str]
    endpoints: frozenset[Endpoint]
    unseen: Mapping[str, int] = field(default_factory=dict)
    speaks: str = "mp3"

    @property
    def behind_aimock(self) -> bool:
        """True if chat completions end at the mock, which answers each with the same number of tokens."""
        where = self.parameters.get("endpoint", "")
        return Endpoint.CHAT_COMPLETIONS in self.endpoints and where.startswith(("{mock}", "{front}"))

    def document(self, **addresses: str) -> dict[str, object]:
        """Return the document."""
        return simulated(
            self.code,
            model_type=self.kind.value,
            parameters={name: value.format(**addresses) for name, value in self.parameters.items()},
            operations=sorted(operation.value for operation in VENDORS[self.kind].operations),
            costs=COSTS,
        )


def _native(code: str, kind: ModelType, endpoint: str = "{simulator}/v1", **parameters: str) -> VendorCase:
    return VendorCase(code, kind, {**_KEY, "endpoint": endpoint} | parameters, VENDORS[kind].endpoints)


def _google(
    code: str, *endpoints: Endpoint, speaks: str = "mp3", unseen: Mapping[str, int] | None = None
) -> VendorCase:
    return VendorCase(code, ModelType.GOOGLE_VERTEX, _GOOGLE, frozenset(endpoints), unseen or {}, speaks)


def _through(code: str, model: str, endpoint: str, *endpoints: Endpoint) -> VendorCase:
    parameters = {**_KEY, "endpoint": endpoint, "model": model, "api_version": "2024-10-21"}
    return VendorCase(code, ModelType.LITELLM, parameters, frozenset(endpoints))


VENDOR_CASES = (
    _native(
        "azure-openai", ModelType.AZURE_OPENAI, "{simulator}", deployment_name="gpt", api_version="2025-04-01-preview"
    ),
    _native("openai", ModelType.OPENAI),
    _native("xai", ModelType.XAI),
    _native("perplexity", ModelType.PERPLEXITY),
    _native("blackbox", ModelType.BLACKBOX),
    _native("openrouter", ModelType.OPENROUTER),
    _native("compatible", ModelType.OPENAI_COMPATIBLE),
    VendorCase("simulator", ModelType.SIMULATOR, {}, VENDORS[ModelType.SIMULATOR].endpoints),
    VendorCase("mistral-large", ModelType.AZURE_FOUNDRY, {**_KEY, "endpoint": "{mock}"}, TEXT),
    VendorCase(
        "foundry-embed", ModelType.AZURE_FOUNDRY, {**_KEY, "endpoint": "{mock}/v1"}, frozenset({Endpoint.EMBEDDINGS})
    ),
    VendorCase(
        "FLUX.1-Kontext-pro",
        ModelType.AZURE_FOUNDRY,
        {**_KEY, "endpoint": "{front}", "api_version": "preview"},
        frozenset({Endpoint.IMAGE_GENERATIONS}),
    ),
    VendorCase("claude-sonnet-4-5", ModelType.ANTHROPIC, {**_KEY, "endpoint": "{mock}"}, TEXT),
    VendorCase("command-r", ModelType.COHERE, {**_KEY, "endpoint": "{mock}"}, TEXT | {Endpoint.EMBEDDINGS}),
    _google("gemini-2.0-flash", *TEXT),
    _google("text-embedding-005", Endpoint.EMBEDDINGS),
    _google("imagen-4.0", *IMAGES),
    _google("gemini-2.5-flash-image", *IMAGES),
    _google("chirp", Endpoint.SPEECH),
    _google(
        "gemini-2.5-flash-preview-tts",
        Endpoint.SPEECH,
        speaks="wav",
        unseen={"input_tokens": 6, "output_tokens": 25},
    ),
    _google("chirp_3", Endpoint.TRANSCRIPTIONS),
    _google("gemini-3.5-transcribe", Endpoint.TRANSCRIPTIONS),
    VendorCase("claude-3-sonnet", ModelType.GOOGLE_VERTEX_CLAUDE, _GOOGLE, TEXT),
    VendorCase("deepseek-v3.1-maas", ModelType.GOOGLE_VERTEX_DEEPSEEK, _GOOGLE, TEXT),
    VendorCase("llama-4-scout-17b-16e-instruct-maas", ModelType.GOOGLE_VERTEX_META, _GOOGLE, TEXT),
    VendorCase("mistral-large-2411", ModelType.GOOGLE_VERTEX_MISTRAL, _GOOGLE, TEXT),
    VendorCase("jamba-1.5-large", ModelType.GOOGLE_VERTEX_JAMBA, _GOOGLE, TEXT),
    VendorCase("qwen3-235b-a22b-instruct-2507-maas", ModelType.GOOGLE_VERTEX_QWEN, _GOOGLE, TEXT),
    VendorCase("gpt-oss-120b-maas", ModelType.GOOGLE_VERTEX_OPENAI, _GOOGLE, TEXT),
    _through("litellm-gemini", "gemini/gemini-2.0-flash", "{mock}/v1beta", *TEXT),
    _through("litellm-azure", "azure/gpt-4o", "{mock}", Endpoint.CHAT_COMPLETIONS, Endpoint.EMBEDDINGS),
    _through("litellm-dall-e", "openai/dall-e-3", "{mock}/v1", Endpoint.IMAGE_GENERATIONS),
    _through("litellm-gpt-image", "openai/gpt-image-1", "{mock}/v1", Endpoint.IMAGE_EDITS),
    _through("litellm-tts", "openai/tts-1", "{mock}/v1", Endpoint.SPEECH),
    _through("litellm-whisper", "openai/whisper-1", "{mock}/v1", Endpoint.TRANSCRIPTIONS),
)

PROVEN = frozenset((case.kind, endpoint) for case in VENDOR_CASES for endpoint in case.endpoints)
"""Every model type and endpoint that is called."""
