"""Environment variables that a document names, and those it needs."""

from __future__ import annotations

from dataclasses import dataclass

from domain.documents.values import VARIABLE_NAME
from domain.model import Parameters

_NEEDED = ("api_key", "endpoint")
_OPTIONAL = ("deployment_name", "api_version", "gcp_project", "location", "model")


@dataclass(frozen=True, slots=True)
class NamedVariable:
    """A member of ``parameters`` that names an environment variable.

    Args:
        member: the member.
        name: the variable.
        needed: without the variable the document cannot be called; otherwise the text is used literally.
    """

    member: str
    name: str
    needed: bool


def named_variables(parameters: Parameters) -> tuple[NamedVariable, ...]:
    """Return every variable that is looked up when the document is called.

    ``secret_name`` always names one. Any other text of the form ``A_B_C`` may be one; in ``api_key`` and ``endpoint``
    it must be, because no key or address looks like that.
    """
    found = (
        [] if parameters.secret_name is None else [NamedVariable("secret_name", parameters.secret_name, needed=True)]
    )
    texts = [(member, getattr(parameters, member)) for member in (*_NEEDED, *_OPTIONAL)]
    for member, text in [*texts, *parameters.defaults.items()]:
        if isinstance(text, str) and VARIABLE_NAME.fullmatch(text):
            found.append(NamedVariable(member, text, needed=member in _NEEDED))
    return tuple(found)
