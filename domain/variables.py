"""Environment variables that a document names, and those it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.documents.values import VARIABLE_NAME
from domain.model import Parameters

_NEEDED = ("api_key", "endpoint")
_OPTIONAL = ("deployment_name", "api_version", "gcp_project", "location", "model")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NamedVariable:
    """A member of ``parameters`` or ``headers`` that names an environment variable.

    Args:
        member: the member.
        name: the variable.
        needed: without the variable the document cannot be called; otherwise the text is used literally.
        table: the member of the document that it belongs to.
    """

    member: str
    name: str
    needed: bool
    table: str = "parameters"

    @property
    def place(self) -> str:
        """Path in the document: ``parameters.endpoint``."""
        return f"{self.table}.{self.member}"


def named_variables(parameters: Parameters, headers: Mapping[str, str] = _NO_HEADERS) -> tuple[NamedVariable, ...]:
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
    for name, text in headers.items():
        if VARIABLE_NAME.fullmatch(text):
            found.append(NamedVariable(name, text, needed=False, table="headers"))
    return tuple(found)
