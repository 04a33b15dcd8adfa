"""Routes through LiteLLM: one row for each model type, and the target of a call made from a row and a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.vendor import Credential
from domain.vendors import VENDORS, ModelType
from infra.providers.litellm.request import Extra
from infra.providers.resolve import ResolvedParameters


@dataclass(frozen=True, slots=True)
class LiteLLMRoute:
    """Route through LiteLLM.

    Args:
        prefix: LiteLLM's name of the provider.
        credential: what the document must name, so that LiteLLM never takes a key from the environment.
        endpoint: base address where the document names none; None if LiteLLM knows it.
        endpoint_needed: the document must name one.
        endings: what LiteLLM adds to an address by itself; taken off an operator's endpoint.
        paths: what LiteLLM wants an endpoint to end with; for endpoints that are not named what chat completions need.
        extra: handling of members that LiteLLM does not translate.
    """

    prefix: str
    credential: Credential = Credential.KEY
    endpoint: str | None = None
    endpoint_needed: bool = False
    endings: tuple[str, ...] = ()
    paths: Mapping[Endpoint, str] = field(default_factory=dict)
    extra: Extra = Extra.BODY


def _route(model_type: ModelType, prefix: str, *endings: str, **details: Any) -> tuple[ModelType, LiteLLMRoute]:
    vendor = VENDORS[model_type]
    known: dict[str, Any] = {"credential": vendor.credential, "endpoint_needed": "endpoint" in vendor.required}
    return model_type, LiteLLMRoute(prefix, endpoint=vendor.address, endings=endings, **known | details)


# Vertex AI: LiteLLM 1.106.2 tells publishers apart by the name (llms/vertex_ai/vertex_ai_partner_models/main.py).
# Claude, Mistral and Jamba it knows by the bare name and writes the publisher into the address (rawPredict). The others
# go to Vertex's OpenAI-compatible address, where the publisher is part of the name. Gemini has no publisher either.
ROUTES: Mapping[ModelType, LiteLLMRoute] = MappingProxyType(
    dict(
        [
            *(_route(each, "vertex_ai") for each in ModelType if each.startswith("GoogleVertex")),
            _route(ModelType.GOOGLE_VERTEX_CLAUDE, "vertex_ai", extra=Extra.REFUSED),
            _route(ModelType.ANTHROPIC, "anthropic", "/v1/messages", "/v1", extra=Extra.REFUSED),
            _route(
                ModelType.COHERE,
                "cohere_chat",
                *("/v2/chat", "/v2/embed", "/v2"),
                paths={Endpoint.CHAT_COMPLETIONS: "/v2/chat", Endpoint.EMBEDDINGS: "/v2/embed"},
            ),
            _route(ModelType.AZURE_FOUNDRY, "azure_ai", credential=Credential.KEY),
            _route(ModelType.PERPLEXITY, "custom_openai", "/chat/completions", extra=Extra.BODY_ONLY),
            _route(ModelType.BLACKBOX, "custom_openai", "/chat/completions", extra=Extra.BODY_ONLY),
        ]
    )
)

_MACHINE_IDENTITY = {
    "vertex_ai": Credential.SERVICE_ACCOUNT_OR_IDENTITY,
    "vertex_ai_beta": Credential.SERVICE_ACCOUNT_OR_IDENTITY,
    "bedrock": Credential.KEY_OR_IDENTITY,
    "sagemaker": Credential.KEY_OR_IDENTITY,
    "sagemaker_chat": Credential.KEY_OR_IDENTITY,
}
_KEYLESS = frozenset({"ollama", "ollama_chat", "hosted_vllm", "lm_studio", "llamafile", "docker_model_runner"})
_EXTRA = {"anthropic": Extra.REFUSED, "custom_openai": Extra.BODY_ONLY}
_NO_KEY = "not-needed"
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class LiteLLMTarget:
    """Target of a call.

    Args:
        model: LiteLLM's model string.
        connection: address and credentials, as arguments of the call.
        extra: handling of members that LiteLLM does not translate.
        free_defaults: the document's defaults may control LiteLLM itself.
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
        """True for Google's APIs."""
        return self.provider in {"vertex_ai", "gemini"}

    @property
    def gemini(self) -> bool:
        """True for Gemini models."""
        return self.google and "gemini" in self.model.partition("/")[2]


def target_of(
    document: ModelDocument, parameters: ResolvedParameters, called: Endpoint = Endpoint.CHAT_COMPLETIONS
) -> LiteLLMTarget:
    """Return the target of a document for an endpoint.

    Raises:
        DeploymentUnusableError: something is missing in the document or in what it names.
    """
    name = VENDORS[document.model_type].upstream_name(parameters, document.code)
    if document.model_type is ModelType.LITELLM:
        if parameters.model is None:
            raise DeploymentUnusableError("parameters.model is missing: the model string that LiteLLM is called with")
        route, model = _route_of(name), name
    else:
        route = ROUTES[document.model_type]
        model = f"{route.prefix}/{name}"
    connection = _credentials(route, parameters)
    endpoint = _endpoint(route, parameters.endpoint, called)
    if endpoint is not None:
        connection["api_base"] = endpoint
    if parameters.api_version is not None:
        connection["api_version"] = parameters.api_version
    # LiteLLM calls Claude on Azure like Anthropic's own API.
    claude = route.prefix in {"azure_ai", "vertex_ai"} and "claude" in model
    secrets = (
        *_credential_texts(parameters.credential),
        *((endpoint,) if endpoint else ()),
        *parameters.header_secrets,
    )
    return LiteLLMTarget(
        model,
        MappingProxyType(connection),
        Extra.REFUSED if claude else route.extra,
        document.model_type is ModelType.LITELLM,
        secrets,
    )


def _route_of(model: str) -> LiteLLMRoute:
    """Make the row for a model string of LiteLLM: ``provider/name``."""
    provider = model.partition("/")[0]
    credential = _MACHINE_IDENTITY.get(provider, Credential.OPTIONAL if provider in _KEYLESS else Credential.KEY)
    return LiteLLMRoute(
        provider,
        credential=credential,
        endpoint_needed=credential is Credential.OPTIONAL,
        extra=_EXTRA.get(provider, Extra.BODY),
    )


def _credentials(route: LiteLLMRoute, parameters: ResolvedParameters) -> dict[str, object]:
    credential = parameters.credential
    if route.credential is Credential.SERVICE_ACCOUNT_OR_IDENTITY:
        if credential is not None:
            _check_service_account(credential)
        named = {
            "vertex_credentials": credential,
            "vertex_project": parameters.gcp_project,
            "vertex_location": parameters.location,
        }
        return {name: value for name, value in named.items() if value is not None}
    if credential is not None:
        return {"api_key": credential}
    if route.credential is Credential.KEY_OR_IDENTITY:
        return {}
    if route.credential is Credential.OPTIONAL:
        return {"api_key": _NO_KEY}
    raise DeploymentUnusableError("the document names no credential: secret_name or api_key is missing in parameters")


def _endpoint(route: LiteLLMRoute, endpoint: str | None, called: Endpoint) -> str | None:
    path = route.paths.get(called) or route.paths.get(Endpoint.CHAT_COMPLETIONS, "")
    if endpoint is None:
        if route.endpoint_needed:
            raise DeploymentUnusableError("parameters.endpoint is missing")
        return None if route.endpoint is None else route.endpoint + path
    endpoint = endpoint.rstrip("/")
    for ending in route.endings:
        endpoint = endpoint.removesuffix(ending)
    return endpoint + path


def _check_service_account(text: str) -> None:
    """Refuse an invalid service account, which LiteLLM would mistake for the name of a file.

    Raises:
        DeploymentUnusableError: not a JSON object with a ``type``.
    """
    try:
        account = json.loads(text)
    except ValueError:
        account = None
    if not isinstance(account, dict) or not isinstance(account.get("type"), str):
        raise DeploymentUnusableError("the credential is not the JSON of a Google service account")


def _credential_texts(credential: str | None) -> tuple[str, ...]:
    """Return the credential and every text of its JSON; none of them may appear in a message."""
    if credential is None:
        return ()
    try:
        account = json.loads(credential)
    except ValueError:
        return (credential,)
    if not isinstance(account, dict):
        return (credential,)
    members = (str(value) for name, value in account.items() if name != "type")
    return (credential, *(text for text in members if len(text) >= _SHORTEST_SECRET))
