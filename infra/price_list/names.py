"""Under which names LiteLLM's price list may have a model document."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.model import ModelDocument
from domain.vendors import VENDORS, ModelType


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of the list.

    Args:
        prefix: how its keys begin; empty = those without a ``/`` in them.
        provider: how their ``litellm_provider`` begins; empty = whatever it is.
    """

    prefix: str
    provider: str = ""


_VERSION = re.compile(
    r"(?:@.*|-maas|-latest|-default|-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{2}-\d{4}|-\d{4}|-v\d+:\d+)$"
    # the dates of versions: 2024-08-06, 20241022, 08-2024, 0613
)
_OURS = "deployment|deploy|azure|vertex|prod|production|dev|test|private|shared|global|eu|us|primary|secondary|ptu|payg"
_OUR_ENDING = re.compile(rf"[-_](?:{_OURS})$")
_OUR_BEGINNING = re.compile(rf"^(?:{_OURS})[-_]")


def shelves(document: ModelDocument) -> tuple[Shelf, ...]:
    """Where in the list to look for a document."""
    if document.model_type is not ModelType.LITELLM:
        listed = VENDORS[document.model_type].listed
        return tuple(Shelf(name) if name.endswith("/") else Shelf("", name) for name in listed)
    vendor, slash, _ = (document.parameters.model or document.code).partition("/")
    return (Shelf(f"{vendor}/"), Shelf("", vendor)) if slash else (Shelf(""),)


def names(document: ModelDocument) -> list[str]:
    """What the model may be called there, the most telling name first."""
    parameters = document.parameters
    found = [parameters.model, parameters.deployment_name, document.code, document.id]
    if document.model_type is ModelType.LITELLM:
        found = [(parameters.model or document.code).partition("/")[2] or document.code, document.code]
    return list(dict.fromkeys(name.lower() for name in found if name))


def plain(name: str) -> str:
    """A name without publisher, date and version, spelt the one way that all spellings share."""
    name = name.lower().rpartition("/")[2]
    while (shorter := _VERSION.sub("", name)) != name:
        name = shorter
    return name.replace(".", "-").replace("gpt-35", "gpt-3-5").replace("gpt-4-omni", "gpt-4o")


def without_our_words(name: str) -> str:
    """A name without what operators add to tell deployments apart: ``gpt-4-deployment`` is a ``gpt-4``."""
    while (shorter := _OUR_BEGINNING.sub("", _OUR_ENDING.sub("", name))) != name:
        name = shorter
    return name
