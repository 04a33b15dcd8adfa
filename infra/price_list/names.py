"""Names under which LiteLLM's price list may have a model document."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.model import ModelDocument
from domain.vendors import VENDORS, ModelType


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """Keys of the list that belong together.

    Args:
        prefix: how the keys begin; empty for keys without a ``/``.
        provider: how their ``litellm_provider`` begins; empty for any.
    """

    prefix: str
    provider: str = ""


_VERSION = re.compile(
    r"(?:@.*|-maas|-latest|-default|-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{2}-\d{4}|-\d{4}|-v\d+:\d+)$"
    # the dates of versions: 2024-08-06, 20241022, 08-2024, 0613
)
_OPERATOR_WORDS = (
    "deployment|deploy|azure|vertex|prod|production|dev|test|private|shared|global|eu|us|primary|secondary|ptu|payg"
)
_OPERATOR_SUFFIX = re.compile(rf"[-_](?:{_OPERATOR_WORDS})$")
_OPERATOR_PREFIX = re.compile(rf"^(?:{_OPERATOR_WORDS})[-_]")


def key_groups(document: ModelDocument) -> tuple[KeyGroup, ...]:
    """Return the parts of the list to search for a document."""
    if document.model_type is not ModelType.LITELLM:
        listed = VENDORS[document.model_type].listed
        return tuple(KeyGroup(name) if name.endswith("/") else KeyGroup("", name) for name in listed)
    vendor, slash, _ = (document.parameters.model or document.code).partition("/")
    return (KeyGroup(f"{vendor}/"), KeyGroup("", vendor)) if slash else (KeyGroup(""),)


def candidate_names(document: ModelDocument) -> list[str]:
    """Return possible names of the model, the most specific first."""
    parameters = document.parameters
    found = [parameters.model, parameters.deployment_name, document.code, document.id]
    if document.model_type is ModelType.LITELLM:
        found = [(parameters.model or document.code).partition("/")[2] or document.code, document.code]
    return list(dict.fromkeys(name.lower() for name in found if name))


def normalized(name: str) -> str:
    """Return a name without publisher, date and version, in one spelling."""
    name = name.lower().rpartition("/")[2]
    while (shorter := _VERSION.sub("", name)) != name:
        name = shorter
    return name.replace(".", "-").replace("gpt-35", "gpt-3-5").replace("gpt-4-omni", "gpt-4o")


def without_operator_words(name: str) -> str:
    """Remove what operators add to distinguish deployments: ``gpt-4-deployment`` becomes ``gpt-4``."""
    while (shorter := _OPERATOR_PREFIX.sub("", _OPERATOR_SUFFIX.sub("", name))) != name:
        name = shorter
    return name
