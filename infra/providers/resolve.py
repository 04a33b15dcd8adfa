"""Replace the environment variables that a document's parameters name. Shared by all provider adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.variables import NamedVariable, named_variables
from infra.providers.destinations import Destinations

Secrets = Callable[[str], str | None]
"""Return the value of an environment variable; None if it is not set or may not be named."""


ANYWHERE = Destinations()
GOOGLE_ADDRESS = "https://aiplatform.googleapis.com"
"""Stands for the addresses of Vertex AI, of which each region has its own."""


@dataclass(frozen=True, slots=True)
class ResolvedParameters:
    """Parameters needed to call a deployment. Kept in memory only; their ``repr`` shows no credential.

    Args:
        credential: API key, or Google's service-account JSON; None if the document has none.
        endpoint: base address of the upstream.
        deployment_name: Azure's deployment.
        api_version: Azure's ``api-version``.
        gcp_project: Google Cloud project.
        location: Google Cloud region.
        model: upstream's name for the model; None if it is the code.
        defaults: request members for requests that do not set them.
    """

    credential: str | None = field(repr=False)
    endpoint: str | None = field(repr=False)
    deployment_name: str | None
    api_version: str | None
    gcp_project: str | None
    location: str | None
    model: str | None
    defaults: Mapping[str, object]


def resolve(
    parameters: Parameters,
    secrets: Secrets,
    destinations: Destinations = ANYWHERE,
    *,
    default_address: str | None = None,
) -> ResolvedParameters:
    """Replace the variables that a document names, as defined by ``domain/variables.py``.

    Args:
        parameters: of the document.
        secrets: values of environment variables.
        destinations: hosts that these may be sent to.
        default_address: where calls go if the document names no endpoint; None if unknown.

    Raises:
        DeploymentUnusableError: a required variable is not set, or may not be named or sent there.
    """
    values: dict[str, str] = {}
    found: list[NamedVariable] = []
    for variable in named_variables(parameters):
        value = secrets(variable.name)
        if value is not None:
            values[variable.member] = value
            found.append(variable)
        elif variable.needed:
            raise DeploymentUnusableError(_missing(variable.member, variable.name))
    endpoint = values.get("endpoint", parameters.endpoint)
    addresses = [endpoint or default_address, *_addresses(parameters)]
    for variable in found:
        if variable.member != "endpoint":
            for address in addresses:
                destinations.check_secret(variable.member, variable.name, address)
    return ResolvedParameters(
        credential=values.get("secret_name", values.get("api_key", parameters.api_key)),
        endpoint=endpoint,
        deployment_name=values.get("deployment_name", parameters.deployment_name),
        api_version=values.get("api_version", parameters.api_version),
        gcp_project=values.get("gcp_project", parameters.gcp_project),
        location=values.get("location", parameters.location),
        model=values.get("model", parameters.model),
        defaults={name: values.get(name, default) for name, default in parameters.defaults.items()},
    )


def _addresses(parameters: Parameters) -> Iterator[str]:
    """Yield addresses among the defaults: some of LiteLLM's own parameters are addresses of upstreams."""
    for value in parameters.defaults.values():
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            yield value


def _missing(member: str, name: str) -> str:
    return f"parameters.{member} names the environment variable {name!r}, which is not set or may not be used"
