"""Replace the environment variables that a document's parameters name. Shared by all provider adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.documents.headers import UNSAFE_VALUE, is_secret_like
from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.variables import NamedVariable, named_variables
from infra.providers.destinations import Destinations

Secrets = Callable[[str], str | None]
"""Return the value of an environment variable; None if it is not set or may not be named."""


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
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
        headers: that every request carries.
        header_secrets: values of them that must not appear in any message.
    """

    credential: str | None = field(repr=False)
    endpoint: str | None = field(repr=False)
    deployment_name: str | None
    api_version: str | None
    gcp_project: str | None
    location: str | None
    model: str | None
    defaults: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    header_secrets: tuple[str, ...] = field(default=(), repr=False)


def resolve(
    parameters: Parameters,
    secrets: Secrets,
    destinations: Destinations = ANYWHERE,
    *,
    default_address: str | None = None,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> ResolvedParameters:
    """Replace the variables that a document names, as defined by ``domain/variables.py``.

    Args:
        parameters: of the document.
        secrets: values of environment variables.
        destinations: hosts that these may be sent to.
        default_address: where calls go if the document names no endpoint; None if unknown.
        headers: of the document.

    Raises:
        DeploymentUnusableError: a required variable is not set, or may not be named or sent there, or holds what a
            header cannot carry.
    """
    values: dict[str, str] = {}
    found: list[NamedVariable] = []
    for variable in named_variables(parameters, headers):
        value = secrets(variable.name)
        if value is not None:
            values[variable.place] = value
            found.append(variable)
        elif variable.needed:
            raise DeploymentUnusableError(_missing(variable.place, variable.name))
    endpoint = values.get("parameters.endpoint", parameters.endpoint)
    addresses = [endpoint or default_address, *_addresses(parameters)]
    for variable in found:
        if variable.place != "parameters.endpoint":
            for address in addresses:
                destinations.check_secret(variable.place, variable.name, address)

    def text(member: str) -> str | None:
        literal: str | None = getattr(parameters, member)
        return values.get(f"parameters.{member}", literal)

    sent = {name: _header_value(name, values.get(f"headers.{name}", value)) for name, value in headers.items()}
    return ResolvedParameters(
        credential=values.get("parameters.secret_name", text("api_key")),
        endpoint=endpoint,
        deployment_name=text("deployment_name"),
        api_version=text("api_version"),
        gcp_project=text("gcp_project"),
        location=text("location"),
        model=text("model"),
        defaults={name: values.get(f"parameters.{name}", default) for name, default in parameters.defaults.items()},
        headers=sent,
        header_secrets=tuple(
            value for name, value in sent.items() if f"headers.{name}" in values or is_secret_like(name)
        ),
    )


def _header_value(name: str, value: str) -> str:
    value = value.strip()
    if not value or UNSAFE_VALUE.search(value) or max(value) > "\xff":
        raise DeploymentUnusableError(
            f"headers.{name} is empty, or has characters that are not allowed in a header (a line break, or a character"
            " beyond ISO 8859-1)"
        )
    return value


def _addresses(parameters: Parameters) -> Iterator[str]:
    """Yield addresses among the defaults: some of LiteLLM's own parameters are addresses of upstreams."""
    for value in parameters.defaults.values():
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            yield value


def _missing(place: str, name: str) -> str:
    return f"{place} names the environment variable {name!r}, which is not set or may not be used"
