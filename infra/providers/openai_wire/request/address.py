"""Make the URLs of the endpoints from the address in a document.

``endpoint`` is the base address, up to and including ``/v1``; to an address without a path the vendor's own is added
(``/v1`` for most). For Azure it is the address of the resource, or of a gateway in front of it; the ``/openai/v1`` form
is used if the address ends in that, if ``api_version`` is ``v1``, ``preview`` or ``latest``, and if there is no
``api_version``. Error messages never repeat the address.
"""

from __future__ import annotations

from urllib.parse import quote

from domain.errors import DeploymentUnusableError
from domain.operation import Endpoint
from infra.clients.http.origin import Origin
from infra.providers.openai_wire.request.vendors import UrlStyle, Vendor
from infra.providers.resolve import ResolvedParameters

_UNDATED_VERSIONS = frozenset({"v1", "preview", "latest"})
_AZURE_V1 = "/openai/v1"


def locate(vendor: Vendor, parameters: ResolvedParameters) -> tuple[Origin, dict[Endpoint, str]]:
    """Return the server of a deployment, and the request target for each endpoint.

    Raises:
        DeploymentUnusableError: the address, or Azure's deployment, is missing or invalid.
    """
    address = parameters.endpoint or vendor.base
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
    if vendor.form is UrlStyle.AZURE:
        return origin, _azure_targets(path, parameters)
    prefix = path or vendor.path
    return origin, {endpoint: f"{prefix}/{endpoint.value}" for endpoint in Endpoint}


def _azure_targets(path: str, parameters: ResolvedParameters) -> dict[Endpoint, str]:
    deployment = azure_deployment(parameters)
    if deployment is None:
        raise DeploymentUnusableError("parameters.deployment_name is missing: the name of Azure's deployment")
    if "/openai/deployments" in path:
        raise DeploymentUnusableError(
            "parameters.endpoint must be the address of the resource, without /openai/deployments"
        )
    version = (parameters.api_version or "").strip()
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


def azure_deployment(parameters: ResolvedParameters) -> str | None:
    """Return the name of the deployment, by which Azure knows the model; ``model`` if there is none."""
    return parameters.deployment_name or parameters.model
