"""Make the URLs of the endpoints from the address in a document.

``endpoint`` is the base address, up to and including ``/v1``; to an address without a path the vendor's own is added
(``/v1`` for most). For Azure it is the address of the resource, or of an API gateway before it; the ``/openai/v1`` form
is used if the address ends in that, if ``api_version`` is ``v1``, ``preview`` or ``latest``, and if there is no
``api_version``. Error messages never repeat the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, urlsplit

from domain.errors import DeploymentUnusableError
from domain.operation import Endpoint
from domain.vendor import Vendor
from domain.vendors import ModelType
from infra.clients.http.origin import Origin
from infra.providers.resolve import ResolvedParameters

_UNDATED_VERSIONS = frozenset({"v1", "preview", "latest"})
_AZURE_V1 = "/openai/v1"
_DEFAULT_PATH = "/v1"
_FOUNDRY_PATHS = ("/models", "/openai", "/api/projects")
_GOOGLE_NAME = re.compile(r"[\w.:-]+", re.ASCII)


class UrlStyle(Enum):
    """Form of an endpoint's URL."""

    PATH = "path"
    """``{base}/{endpoint}``; the model is named in the body."""
    AZURE = "azure"
    """``{base}/openai/deployments/{deployment}/{endpoint}?api-version=`` or ``{base}/openai/v1/{endpoint}``."""
    AZURE_V1 = "azure_v1"
    """``{base}/openai/v1/{endpoint}``, whatever path of the resource a document names."""
    VERTEX = "vertex"
    """``{base}/v1/projects/{project}/locations/{location}/endpoints/openapi/{endpoint}``."""


@dataclass(frozen=True, slots=True)
class WireFormat:
    """Wire details of one vendor.

    Args:
        url_style: form of an endpoint's URL.
        header: name of the header that carries the credential.
        scheme: prefix of the credential in that header.
        reasoning_apart: ``completion_tokens`` do not include reasoning tokens. Only used where ``total_tokens`` is
            missing; otherwise the sum decides, for every vendor.
        address: base address where it differs from the vendor's, which belongs to another wire.
        prefix: added to the upstream's name of a model that does not begin with it.
        google: the credential is a Google account, whose tokens requests carry.
        omitted: members that the vendor is known to refuse, and that are not sent.
    """

    url_style: UrlStyle = UrlStyle.PATH
    header: str = "authorization"
    scheme: str = "Bearer "
    reasoning_apart: bool = False
    address: str | None = None
    prefix: str = ""
    google: bool = False
    omitted: frozenset[str] = frozenset()


DEFAULT_FORMAT = WireFormat()
WIRE_FORMATS: Mapping[ModelType, WireFormat] = {
    ModelType.AZURE_OPENAI: WireFormat(UrlStyle.AZURE, header="api-key", scheme=""),
    ModelType.AZURE_FOUNDRY: WireFormat(UrlStyle.AZURE_V1, header="api-key", scheme=""),
    ModelType.COHERE: WireFormat(
        address="https://api.cohere.ai/compatibility/v1", omitted=frozenset({"stream_options"})
    ),
    ModelType.GOOGLE_VERTEX: WireFormat(UrlStyle.VERTEX, google=True, prefix="google/"),
    **dict.fromkeys(
        (
            ModelType.GOOGLE_VERTEX_DEEPSEEK,
            ModelType.GOOGLE_VERTEX_META,
            ModelType.GOOGLE_VERTEX_OPENAI,
            ModelType.GOOGLE_VERTEX_QWEN,
        ),
        WireFormat(UrlStyle.VERTEX, google=True),
    ),
    ModelType.XAI: WireFormat(reasoning_apart=True),
}


def locate(
    vendor: Vendor, wire_format: WireFormat, parameters: ResolvedParameters, model: str
) -> tuple[Origin, dict[Endpoint, str]]:
    """Return the server of a deployment, and the request target for each endpoint.

    Args:
        vendor: its vendor.
        wire_format: wire details of the vendor.
        parameters: its parameters.
        model: the upstream's name of the model.

    Raises:
        DeploymentUnusableError: the address is missing or invalid.
    """
    style = wire_format.url_style
    default = _vertex_address(parameters) if style is UrlStyle.VERTEX else wire_format.address or vendor.address
    address = parameters.endpoint or default
    if address is None:
        raise DeploymentUnusableError("parameters.endpoint is missing: the base address of the upstream")
    try:
        origin, path = Origin.parse(address)
    except ValueError as fault:
        raise DeploymentUnusableError(f"parameters.endpoint is invalid: {fault}") from None
    for endpoint in sorted(Endpoint, key=len, reverse=True):  # "completions" is the end of another one
        if path.endswith(f"/{endpoint.value}"):
            raise DeploymentUnusableError(
                f"parameters.endpoint must be the base address, without /{endpoint.value} at its end"
            )
    if style is UrlStyle.AZURE:
        return origin, _azure_targets(path, parameters.api_version, model)
    if style is UrlStyle.AZURE_V1:
        path = _AZURE_V1 if path.startswith(_FOUNDRY_PATHS) else path.removesuffix(_AZURE_V1) + _AZURE_V1
    elif style is UrlStyle.VERTEX:
        path += _vertex_path(parameters)
    prefix = path or (_DEFAULT_PATH if default is None else urlsplit(default).path)
    return origin, {endpoint: f"{prefix}/{endpoint.value}" for endpoint in Endpoint}


def _vertex_address(parameters: ResolvedParameters) -> str:
    location = parameters.location or ""
    return f"https://{'' if location == 'global' else f'{location}-'}aiplatform.googleapis.com"


def _vertex_path(parameters: ResolvedParameters) -> str:
    named = {"gcp_project": parameters.gcp_project, "location": parameters.location}
    for name, value in named.items():
        if not value or not _GOOGLE_NAME.fullmatch(value):
            raise DeploymentUnusableError(f"parameters.{name} is {'invalid' if value else 'missing'}")
    return f"/v1/projects/{parameters.gcp_project}/locations/{parameters.location}/endpoints/openapi"


def _azure_targets(path: str, api_version: str | None, deployment: str) -> dict[Endpoint, str]:
    if "/openai/deployments" in path:
        raise DeploymentUnusableError(
            "parameters.endpoint must be the address of the resource, without /openai/deployments"
        )
    version = (api_version or "").strip()
    if path.endswith(_AZURE_V1) or not version or version in _UNDATED_VERSIONS:
        prefix = path.removesuffix("/openai/v1").removesuffix("/openai") + _AZURE_V1
        query = f"?api-version={version}" if version in {"preview", "latest"} else ""
        return {endpoint: f"{prefix}/{endpoint.value}{query}" for endpoint in Endpoint}
    root = path.removesuffix("/openai") + "/openai"
    prefix = f"{root}/deployments/{quote(deployment, safe='')}"
    query = f"?api-version={quote(version, safe='')}"
    targets = {endpoint: f"{prefix}/{endpoint.value}{query}" for endpoint in Endpoint}
    # Responses belong to the resource: there the body names the deployment.
    targets[Endpoint.RESPONSES] = f"{root}/{Endpoint.RESPONSES.value}{query}"
    return targets
