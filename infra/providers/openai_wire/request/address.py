"""Make the URLs of the endpoints from the address in a document.

``endpoint`` is the base address, up to and including ``/v1``; to an address without a path the vendor's own is added
(``/v1`` for most). For Azure it is the address of the resource, or of an API gateway before it; the ``/openai/v1`` form
is used if the address ends in that, if ``api_version`` is ``v1``, ``preview`` or ``latest``, and if there is no
``api_version``. Error messages never repeat the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, urlsplit

from domain.errors import DeploymentUnusableError
from domain.operation import Endpoint
from domain.vendors import ModelType, Vendor
from infra.clients.http.origin import Origin
from infra.providers.resolve import ResolvedParameters

_UNDATED_VERSIONS = frozenset({"v1", "preview", "latest"})
_AZURE_V1 = "/openai/v1"
_DEFAULT_PATH = "/v1"


class UrlStyle(Enum):
    """Form of an endpoint's URL."""

    PATH = "path"
    """``{base}/{endpoint}``; the model is named in the body."""
    AZURE = "azure"
    """``{base}/openai/deployments/{deployment}/{endpoint}?api-version=`` or ``{base}/openai/v1/{endpoint}``."""


@dataclass(frozen=True, slots=True)
class WireFormat:
    """Wire details of one vendor.

    Args:
        url_style: form of an endpoint's URL.
        header: name of the header that carries the credential.
        scheme: prefix of the credential in that header.
        reasoning_apart: ``completion_tokens`` do not include reasoning tokens. Only used where ``total_tokens`` is
            missing; otherwise the sum decides, for every vendor.
    """

    url_style: UrlStyle = UrlStyle.PATH
    header: str = "authorization"
    scheme: str = "Bearer "
    reasoning_apart: bool = False


DEFAULT_FORMAT = WireFormat()
WIRE_FORMATS: Mapping[ModelType, WireFormat] = {
    ModelType.AZURE_OPENAI: WireFormat(UrlStyle.AZURE, header="api-key", scheme=""),
    ModelType.XAI: WireFormat(reasoning_apart=True),
}


def locate(
    vendor: Vendor, style: UrlStyle, parameters: ResolvedParameters, model: str
) -> tuple[Origin, dict[Endpoint, str]]:
    """Return the server of a deployment, and the request target for each endpoint.

    Args:
        vendor: its vendor.
        style: the form of URLs.
        parameters: its parameters.
        model: the upstream's name of the model.

    Raises:
        DeploymentUnusableError: the address is missing or invalid.
    """
    address = parameters.endpoint or vendor.address
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
    prefix = path or (_DEFAULT_PATH if vendor.address is None else urlsplit(vendor.address).path)
    return origin, {endpoint: f"{prefix}/{endpoint.value}" for endpoint in Endpoint}


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
