"""Upstreams that speak OpenAI's wire format: a row of data for each, no class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from domain.model import ModelType


class UrlStyle(Enum):
    """Form of an endpoint's URL."""

    PATH = "path"
    """``{base}/{endpoint}``; the model is named in the body."""
    AZURE = "azure"
    """``{base}/openai/deployments/{deployment}/{endpoint}?api-version=`` or ``{base}/openai/v1/{endpoint}``."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Wire details of a vendor.

    Args:
        base: default scheme and host; None if documents must name an endpoint.
        path: path that is added to an address without one.
        form: form of an endpoint's URL.
        header: name of the header that carries the credential.
        scheme: prefix of the credential in that header.
        credential_required: a document without a credential is unusable.
        identity: a document without a credential is called with the identity of the machine.
        publisher: prefix that the upstream requires in model names; added where it is missing.
        reasoning_apart: ``completion_tokens`` do not include reasoning tokens. Only used where ``total_tokens`` is
            missing; otherwise the sum decides, for every vendor.
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
"""Model types that this adapter serves.

``AzureFoundry`` is not among them: its inference API rejects unknown members unless a header says otherwise, and has
several incompatible URL forms; LiteLLM handles it. The ``/openai/v1`` address of a Foundry resource is served as
``AzureOpenAI``.
"""
