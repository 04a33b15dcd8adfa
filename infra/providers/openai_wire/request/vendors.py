"""Details of the wire in which vendors that speak OpenAI's format differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from domain.vendors import ModelType


class UrlStyle(Enum):
    """Form of an endpoint's URL."""

    PATH = "path"
    """``{base}/{endpoint}``; the model is named in the body."""
    AZURE = "azure"
    """``{base}/openai/deployments/{deployment}/{endpoint}?api-version=`` or ``{base}/openai/v1/{endpoint}``."""


@dataclass(frozen=True, slots=True)
class WireFormat:
    """Wire details of one vendor.

    Args:
        url_style: form of an endpoint's URL.
        header: name of the header that carries the credential.
        scheme: prefix of the credential in that header.
        reasoning_apart: ``completion_tokens`` do not include reasoning tokens. Only used where ``total_tokens`` is
            missing; otherwise the sum decides, for every vendor.
    """

    url_style: UrlStyle = UrlStyle.PATH
    header: str = "authorization"
    scheme: str = "Bearer "
    reasoning_apart: bool = False


DEFAULT_FORMAT = WireFormat()
WIRE_FORMATS: Mapping[ModelType, WireFormat] = {
    ModelType.AZURE_OPENAI: WireFormat(UrlStyle.AZURE, header="api-key", scheme=""),
    ModelType.XAI: WireFormat(reasoning_apart=True),
}
