"""Upstreams that speak OpenAI's wire format: a row of data for each, no class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from domain.model import ModelType


class UrlStyle(Enum):
    """How the URL of an endpoint is made."""

    PATH = "path"
    """``{base}/{endpoint}``; the model is named in the body."""
    AZURE = "azure"
    """``{base}/openai/deployments/{deployment}/{endpoint}?api-version=`` or ``{base}/openai/v1/{endpoint}``."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """What differs from one vendor to the next.

    Args:
        base: scheme and host that are called where the document names no endpoint; ``None`` = it must name one.
        path: path that is added to an address without one.
        form: how the URL of an endpoint is made.
        header: name of the header that carries the credential.
        scheme: what stands in front of the credential.
        credential_required: a document without a credential is unusable.
        identity: a document without a credential is called with the identity of the machine.
        publisher: what the upstream wants in front of a model's name; added only where it is missing.
        reasoning_apart: reasoning tokens are counted beside ``completion_tokens``, not in them. Only matters where
            ``total_tokens`` does not tell: where it does, the sum decides, whoever the vendor is.
    """

    base: str | None = None
    path: str = "/v1"
    form: UrlStyle = UrlStyle.PATH
    header: str = "authorization"
    scheme: str = "Bearer "
    credential_required: bool = True
    identity: bool = False
    publisher: str = ""
    reasoning_apart: bool = False


VENDORS: Mapping[ModelType, Vendor] = {
    ModelType.OPENAI: Vendor("https://api.openai.com"),
    ModelType.AZURE_OPENAI: Vendor(path="", form=UrlStyle.AZURE, header="api-key", scheme="", identity=True),
    ModelType.OPENAI_COMPATIBLE: Vendor(credential_required=False),
    ModelType.OPENROUTER: Vendor("https://openrouter.ai", "/api/v1"),
    ModelType.XAI: Vendor("https://api.x.ai", reasoning_apart=True),
    ModelType.PERPLEXITY: Vendor("https://api.perplexity.ai", ""),
    ModelType.BLACKBOX: Vendor("https://api.blackbox.ai", "", publisher="blackboxai/"),
}
"""The model types that this adapter serves.

``AzureFoundry`` is not among them: its inference API refuses members that it does not know unless told otherwise by a
header, and comes in several incompatible URL forms; LiteLLM handles it. A Foundry resource's ``/openai/v1`` address is
served as ``AzureOpenAI``.
"""
