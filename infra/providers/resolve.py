"""A document's parameters with the environment variables that they name put in. Shared by every provider adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.documents.values import VARIABLE_NAME
from domain.errors import DeploymentUnusableError
from domain.model import Parameters

Secrets = Callable[[str], str | None]
"""From the name of an environment variable to its value; ``None`` = there is none, or it may not be named."""


@dataclass(frozen=True, slots=True)
class ResolvedParameters:
    """What an adapter needs to reach a deployment. Lives in memory only; its ``repr`` shows no credential.

    Args:
        credential: API key, or Google's service-account JSON; ``None`` = the document names none.
        endpoint: base address of the upstream.
        deployment_name: Azure's deployment.
        api_version: Azure's ``api-version``.
        gcp_project: Google Cloud project.
        location: Google Cloud region.
        model: upstream model name where it is not the code.
        defaults: request members used where the caller says nothing.
    """

    credential: str | None = field(repr=False)
    endpoint: str | None = field(repr=False)
    deployment_name: str | None
    api_version: str | None
    gcp_project: str | None
    location: str | None
    model: str | None
    defaults: Mapping[str, object]


def resolve(parameters: Parameters, secrets: Secrets) -> ResolvedParameters:
    """Put in the values of the variables that a document names.

    ``secret_name`` always names one. Any other text of the form ``A_B_C`` is replaced where such a variable exists; an
    ``api_key`` or ``endpoint`` of that form must exist, because nothing real looks like that.

    Raises:
        DeploymentUnusableError: a variable that is needed does not exist or may not be named.
    """

    def value(text: str | None, member: str = "") -> str | None:
        if text is None or not VARIABLE_NAME.fullmatch(text):
            return text
        found = secrets(text)
        if found is None and member:
            raise DeploymentUnusableError(_missing(member, text))
        return text if found is None else found

    credential = value(parameters.api_key, "api_key")
    if parameters.secret_name is not None:
        credential = secrets(parameters.secret_name)
        if credential is None:
            raise DeploymentUnusableError(_missing("secret_name", parameters.secret_name))
    return ResolvedParameters(
        credential=credential,
        endpoint=value(parameters.endpoint, "endpoint"),
        deployment_name=value(parameters.deployment_name),
        api_version=value(parameters.api_version),
        gcp_project=value(parameters.gcp_project),
        location=value(parameters.location),
        model=value(parameters.model),
        defaults={
            name: value(default) if isinstance(default, str) else default
            for name, default in parameters.defaults.items()
        },
    )


def _missing(member: str, name: str) -> str:
    return f"parameters.{member} names the environment variable {name!r}, which is not set or may not be used"
