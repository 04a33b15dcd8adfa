"""How each model type is reached through LiteLLM: a table of rows, and what is made of a row and a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, ModelType
from domain.operation import Endpoint
from infra.providers.litellm.google import check_service_account, credential_texts
from infra.providers.litellm.request import Extra
from infra.providers.resolve import ResolvedParameters


class Credential(Enum):
    """What a document must name so that LiteLLM never helps itself to a key in the process's environment."""

    KEY = auto()
    """A key; without one the document is unusable."""
    GOOGLE = auto()
    """A service account's JSON; none = the identity of the machine (workload identity), which is intended."""
    AMBIENT = auto()
    """A key, or none = the identity of the machine (an AWS role)."""
    NONE = auto()
    """A server of one's own may want no key; LiteLLM then gets a placeholder, or it would search the environment."""


@dataclass(frozen=True, slots=True)
class LiteLLMRoute:
    """One way through LiteLLM.

    Args:
        prefix: LiteLLM's name of the provider; empty = the document's model string has it.
        publisher: what the upstream wants in front of a model's name; added only where it is missing.
        implied: publishers that LiteLLM puts into the address itself and that must not be in the name.
        credential: what the document must name.
        endpoint: base address where the document names none; ``None`` = LiteLLM knows it.
        endpoint_needed: the document must name one.
        endings: what LiteLLM adds to an address by itself; taken off an operator's endpoint.
        paths: what LiteLLM wants an endpoint to end with; for endpoints that are not named what chat completions need.
        extra: what becomes of members that LiteLLM does not translate.
    """

    prefix: str
    publisher: str = ""
    implied: tuple[str, ...] = ()
    credential: Credential = Credential.KEY
    endpoint: str | None = None
    endpoint_needed: bool = False
    endings: tuple[str, ...] = ()
    paths: Mapping[Endpoint, str] = field(default_factory=dict)
    extra: Extra = Extra.BODY


def _vertex(publisher: str = "", *implied: str, extra: Extra = Extra.BODY) -> LiteLLMRoute:
    return LiteLLMRoute("vertex_ai", publisher, implied, Credential.GOOGLE, extra=extra)


# Vertex AI: LiteLLM 1.106.2 tells publishers apart by the name (llms/vertex_ai/vertex_ai_partner_models/main.py).
# Claude, Mistral and Jamba it knows by the bare name and writes the publisher into the address (rawPredict). The others
# go to Vertex's OpenAI-compatible address, where the publisher is part of the name. Gemini has no publisher either.
ROUTES: Mapping[ModelType, LiteLLMRoute] = MappingProxyType(
    {
        ModelType.GOOGLE_VERTEX: _vertex(),
        ModelType.GOOGLE_VERTEX_CLAUDE: _vertex("", "anthropic/", extra=Extra.REFUSED),
        ModelType.GOOGLE_VERTEX_DEEPSEEK: _vertex("deepseek-ai/"),
        ModelType.GOOGLE_VERTEX_META: _vertex("meta/"),
        ModelType.GOOGLE_VERTEX_MISTRAL: _vertex("", "mistralai/"),
        ModelType.GOOGLE_VERTEX_JAMBA: _vertex("", "ai21/"),
        ModelType.GOOGLE_VERTEX_QWEN: _vertex("qwen/"),
        ModelType.GOOGLE_VERTEX_OPENAI: _vertex("openai/"),
        ModelType.ANTHROPIC: LiteLLMRoute(
            "anthropic",
            "",
            ("anthropic/",),
            endpoint="https://api.anthropic.com",
            endings=("/v1/messages", "/v1"),
            extra=Extra.REFUSED,
        ),
        ModelType.COHERE: LiteLLMRoute(
            "cohere_chat",
            endpoint="https://api.cohere.com",
            endings=("/v2/chat", "/v2/embed", "/v2"),
            paths=MappingProxyType({Endpoint.CHAT_COMPLETIONS: "/v2/chat", Endpoint.EMBEDDINGS: "/v2/embed"}),
        ),
        ModelType.AZURE_FOUNDRY: LiteLLMRoute("azure_ai", endpoint_needed=True),
    }
)

_BRIDGES: Mapping[ModelType, LiteLLMRoute] = MappingProxyType(
    {
        ModelType.PERPLEXITY: LiteLLMRoute(
            "custom_openai", endpoint="https://api.perplexity.ai", endings=("/chat/completions",), extra=Extra.BODY_ONLY
        ),
        ModelType.BLACKBOX: LiteLLMRoute(
            "custom_openai",
            "blackboxai/",
            endpoint="https://api.blackbox.ai",
            endings=("/chat/completions",),
            extra=Extra.BODY_ONLY,
        ),
    }
)
_FROM_CHAT = frozenset({Endpoint.RESPONSES, Endpoint.COMPLETIONS})

BRIDGED: Mapping[ModelType, frozenset[Endpoint]] = MappingProxyType(dict.fromkeys(_BRIDGES, _FROM_CHAT))
"""What types that speak OpenAI's format lack, and what is made here out of chat completions."""

_MACHINE_IDENTITY = {
    "vertex_ai": Credential.GOOGLE,
    "vertex_ai_beta": Credential.GOOGLE,
    "bedrock": Credential.AMBIENT,
    "sagemaker": Credential.AMBIENT,
    "sagemaker_chat": Credential.AMBIENT,
}
_KEYLESS = frozenset({"ollama", "ollama_chat", "hosted_vllm", "lm_studio", "llamafile", "docker_model_runner"})
_EXTRA = {"anthropic": Extra.REFUSED, "custom_openai": Extra.BODY_ONLY}
_NO_KEY = "not-needed"


@dataclass(frozen=True, slots=True)
class LiteLLMTarget:
    """Where one call goes.

    Args:
        model: LiteLLM's model string.
        connection: address and credentials, as arguments of the call.
        extra: what becomes of members that LiteLLM does not translate.
        free_defaults: the document's defaults may steer LiteLLM itself.
        secrets: texts that must not appear in any message.
    """

    model: str
    connection: Mapping[str, object] = field(repr=False)
    extra: Extra
    free_defaults: bool
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def provider(self) -> str:
        """LiteLLM's name of the provider."""
        return self.model.partition("/")[0]

    @property
    def google(self) -> bool:
        """Whether it is an API of Google's."""
        return self.provider in {"vertex_ai", "gemini"}

    @property
    def gemini(self) -> bool:
        """Whether it is one of Google's models called Gemini."""
        return self.google and "gemini" in self.model.partition("/")[2]


def upstream_name(document: ModelDocument, model: str | None) -> str:
    """The name by which the upstream knows the model; ``model`` is the one its parameters name."""
    if document.model_type is ModelType.LITELLM:
        return model or document.code
    route = _row(document.model_type)
    name = model or document.code
    if document.model_type is ModelType.AZURE_FOUNDRY:
        name = model or document.parameters.deployment_name or document.code
    for publisher in route.implied:
        name = name.removeprefix(publisher)
    return name if name.startswith(route.publisher) else route.publisher + name


def target_of(
    document: ModelDocument, parameters: ResolvedParameters, asked: Endpoint = Endpoint.CHAT_COMPLETIONS
) -> LiteLLMTarget:
    """Where calls of an endpoint go for a document.

    Raises:
        DeploymentUnusableError: something is missing in the document or in what it names.
    """
    name = upstream_name(document, parameters.model)
    if document.model_type is ModelType.LITELLM:
        if parameters.model is None:
            raise DeploymentUnusableError("parameters.model is missing: the model string that LiteLLM is called with")
        route, model = _route_of(name), name
    else:
        route = _row(document.model_type)
        model = f"{route.prefix}/{name}"
    connection = _credentials(route, parameters)
    endpoint = _endpoint(route, parameters.endpoint, asked)
    if endpoint is not None:
        connection["api_base"] = endpoint
    if parameters.api_version is not None:
        connection["api_version"] = parameters.api_version
    # Claude on Azure takes the way of Anthropic's own API through LiteLLM.
    claude = route.prefix in {"azure_ai", "vertex_ai"} and "claude" in model
    secrets = (*credential_texts(parameters.credential), *((endpoint,) if endpoint else ()))
    return LiteLLMTarget(
        model,
        MappingProxyType(connection),
        Extra.REFUSED if claude else route.extra,
        document.model_type is ModelType.LITELLM,
        secrets,
    )


def _row(model_type: ModelType) -> LiteLLMRoute:
    return ROUTES.get(model_type) or _BRIDGES[model_type]


def _route_of(model: str) -> LiteLLMRoute:
    """The row for a model string of LiteLLM's own: ``provider/name``."""
    provider = model.partition("/")[0]
    credential = _MACHINE_IDENTITY.get(provider, Credential.NONE if provider in _KEYLESS else Credential.KEY)
    return LiteLLMRoute(
        provider,
        credential=credential,
        endpoint_needed=credential is Credential.NONE,
        extra=_EXTRA.get(provider, Extra.BODY),
    )


def _credentials(route: LiteLLMRoute, parameters: ResolvedParameters) -> dict[str, object]:
    credential = parameters.credential
    if route.credential is Credential.GOOGLE:
        if credential is not None:
            check_service_account(credential)
        named = {
            "vertex_credentials": credential,
            "vertex_project": parameters.gcp_project,
            "vertex_location": parameters.location,
        }
        return {name: value for name, value in named.items() if value is not None}
    if credential is not None:
        return {"api_key": credential}
    if route.credential is Credential.AMBIENT:
        return {}
    if route.credential is Credential.NONE:
        return {"api_key": _NO_KEY}
    raise DeploymentUnusableError("the document names no credential: secret_name or api_key is missing in parameters")


def _endpoint(route: LiteLLMRoute, endpoint: str | None, asked: Endpoint) -> str | None:
    path = route.paths.get(asked) or route.paths.get(Endpoint.CHAT_COMPLETIONS, "")
    if endpoint is None:
        if route.endpoint_needed:
            raise DeploymentUnusableError("parameters.endpoint is missing")
        return None if route.endpoint is None else route.endpoint + path
    endpoint = endpoint.rstrip("/")
    for ending in route.endings:
        endpoint = endpoint.removesuffix(ending)
    return endpoint + path
