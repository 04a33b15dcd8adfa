"""``/embeddings`` through LiteLLM; base64 is made here."""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError, UpstreamProtocolError
from domain.usage import Usage
from infra.providers.litellm.answer import encode, model_name
from infra.providers.litellm.members import integer, members_of, unsupported
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, always
from infra.providers.litellm.request import decoded
from infra.providers.litellm.usage import usage_of

_KNOWN = frozenset({"input", "dimensions", "input_type", "task_type", "title", "truncate", "auto_truncate"})
"""Members of vendors: ``input_type`` and ``truncate`` of Cohere, the others of Vertex."""
_OURS = frozenset({"encoding_format"})
_FORMATS = frozenset({None, "float", "base64"})
_REFERENCES = ("files/", "gs://", "https://generativelanguage.googleapis.com/")


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    members = members_of(request, _KNOWN, _OURS)
    encoding = members.pop("encoding_format", None)
    if not isinstance(encoding, str | None) or encoding not in _FORMATS:
        raise InvalidRequestError("'encoding_format' must be 'float' or 'base64'.", param="encoding_format")
    integer(members, "dimensions")
    members["input"] = texts(members.get("input"))
    if request.target.provider == "cohere_chat":
        members["encoding_format"] = "float"
    if request.target.google:
        members["input"] = [_no_reference(text, request.target.model) for text in members["input"]]
    return members


def _no_reference(text: str, model: str) -> str:
    """Return a text that LiteLLM does not mistake for the address of a file of the operator.

    Raises:
        InvalidRequestError: the model reads such addresses anywhere in a text.
    """
    if "multimodalembedding" in model and "gs://" in text:
        raise unsupported("input", "'input' must be text: this model does not take addresses of files.")
    return f" {text}" if text.startswith(_REFERENCES) else text


def texts(value: Any) -> list[str]:
    """Return the input as a list of texts.

    Raises:
        InvalidRequestError: it is not text; tokens are specific to OpenAI's models.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given:
        raise InvalidRequestError("'input' must be a string or a non-empty array of strings.", param="input")
    if all(isinstance(each, int | list) for each in given):
        raise unsupported("input", "'input' must be text: this model does not take arrays of tokens.")
    if not all(isinstance(each, str) and each for each in given):
        raise InvalidRequestError("'input' must be a string or an array of non-empty strings.", param="input")
    return given


def _answer(response: Any, request: ProviderRequest) -> Answer:
    sent = decoded(request.call.fields["input"])
    wanted = 1 if isinstance(sent, str) else len(sent)
    vectors = [_numbers(entry) for entry in response.data or ()]
    if len(vectors) != wanted:
        raise UpstreamProtocolError(reason=f"{len(vectors)} embeddings for {wanted} texts")
    as_base64 = decoded(request.call.fields.get("encoding_format", b"null")) == "base64"
    usage = _usage(response, request)
    body: dict[str, object] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": base64_of(vector) if as_base64 else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model_name(response.model, request.target.provider),
    }
    if usage is not None:
        body["usage"] = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
    return Answer(encode(body), b"application/json", usage)


def _numbers(entry: Any) -> list[float]:
    vector = entry["embedding"]
    if not isinstance(vector, list):
        raise UpstreamProtocolError(reason="an embedding that is not a list of numbers")
    return vector


def base64_of(vector: list[float]) -> str:
    """Encode as little-endian 32-bit floats, as OpenAI's clients decode them."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


def _usage(response: Any, request: ProviderRequest) -> Usage | None:
    """Return the upstream's usage; where it reports none, LiteLLM counts with another vendor's tokenizer."""
    reported = getattr(response, "usage", None)
    invented = request.target.provider == "gemini"
    if request.target.provider == "cohere_chat":
        invented = getattr(reported, "prompt_tokens_details", None) is None
    usage = None if invented else usage_of(reported)
    return None if usage is None else Usage(input_tokens=usage.input_tokens)


EMBEDDINGS = EndpointAdapter(always("aembedding"), _arguments, _answer)
