"""``/images/generations`` and ``/images/edits`` through LiteLLM.

Gemini's image models are chat models to Vertex AI, and their images are parts of a chat completion: LiteLLM's image
functions lose their tokens. All others (Imagen, models of Azure AI Foundry) go through those functions.
"""

from __future__ import annotations

import time
from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError, UpstreamRefusedError
from domain.usage import Usage
from infra.providers.litellm.answer import encode
from infra.providers.litellm.image_request import EDIT, GENERATION, ImageRequest, read_image_request
from infra.providers.litellm.members import unsupported
from infra.providers.litellm.models import LiteLLMTarget
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest
from infra.providers.litellm.usage import usage_of

_GEMINI_RATIOS = {
    "1024x1024": "1:1",
    "1024x1536": "2:3",
    "1536x1024": "3:2",
    "896x1280": "3:4",
    "1280x896": "4:3",
    "1024x1792": "9:16",
    "1792x1024": "16:9",
}
_IMAGEN_SIZES = frozenset({"1024x1024", "896x1280", "1280x896", "1024x1792", "1792x1024"})


def _generation(target: LiteLLMTarget) -> str:
    return "acompletion" if target.gemini else "aimage_generation"


def _edit(target: LiteLLMTarget) -> str:
    return "acompletion" if target.gemini else "aimage_edit"


def _generated(request: ProviderRequest) -> dict[str, Any]:
    wanted = read_image_request(request, GENERATION)
    if request.target.gemini:
        return _gemini(wanted)
    return {"prompt": wanted.prompt, **_members(request, wanted)}


def _edited(request: ProviderRequest) -> dict[str, Any]:
    wanted = read_image_request(request, EDIT)
    if request.target.gemini:
        return _gemini(wanted)
    arguments: dict[str, Any] = {"prompt": wanted.prompt, "image": [image.content() for image in wanted.images]}
    if wanted.mask is not None:
        arguments["mask"] = wanted.mask.content()
    return arguments | _members(request, wanted)


def _members(request: ProviderRequest, wanted: ImageRequest) -> dict[str, Any]:
    """Return the arguments of LiteLLM's image functions besides the prompt and the images."""
    if request.target.provider != "vertex_ai":
        return wanted.members
    if wanted.size is not None and wanted.size not in _IMAGEN_SIZES:
        raise _size(wanted.size, _IMAGEN_SIZES)
    for name in wanted.members.keys() - {"n", "size", "response_format"}:
        if wanted.members[name] != "auto":
            raise unsupported(name)
    return {name: value for name, value in (("n", wanted.number), ("size", wanted.size)) if value is not None}


def _gemini(wanted: ImageRequest) -> dict[str, Any]:
    if wanted.number not in {None, 1}:
        raise unsupported("n", "This model makes one image at a time.")
    if wanted.mask is not None:
        raise unsupported("mask", "This model takes no mask: say in the prompt what is to change.")
    for name in wanted.members.keys() - {"n", "size", "response_format"}:
        if wanted.members[name] != "auto":
            raise unsupported(name)
    content: list[dict[str, object]] = [{"type": "text", "text": wanted.prompt}]
    content += [{"type": "image_url", "image_url": {"url": image.url()}} for image in wanted.images]
    arguments: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "modalities": ["image"]}
    if wanted.size is not None:
        ratio = _GEMINI_RATIOS.get(wanted.size)
        if ratio is None:
            raise _size(wanted.size, _GEMINI_RATIOS)
        arguments["imageConfig"] = {"aspectRatio": ratio}
    return arguments


def _size(size: str, sizes: Any) -> InvalidRequestError:
    message = f"This model makes no images of size '{size[:40]}', only {', '.join(sorted(sizes))} and auto."
    return InvalidRequestError(message, param="size", code="invalid_value")


def _answer(response: Any, request: ProviderRequest) -> Answer:
    images = _from_chat(response) if request.target.gemini else _listed(response)
    if not images:
        raise UpstreamRefusedError(400, "The model made no image of this.", kind="image_generation_error")
    tokens = _tokens(response, request)
    body: dict[str, object] = {"created": getattr(response, "created", None) or int(time.time()), "data": images}
    for name in ("background", "output_format", "quality", "size"):
        said = getattr(response, name, None)
        if isinstance(said, str):
            body[name] = said
    if tokens is not None:
        body["usage"] = {
            "input_tokens": tokens.input_tokens,
            "output_tokens": tokens.output_tokens,
            "total_tokens": tokens.input_tokens + tokens.output_tokens,
            "input_tokens_details": {
                "text_tokens": tokens.input_tokens - tokens.image_input_tokens,
                "image_tokens": tokens.image_input_tokens,
            },
        }
    said = [str(body[name]) for name in ("quality", "size") if name in body]
    usage = Usage(images=len(images), image_size="/".join(said) if "size" in body else "")
    return Answer(encode(body), b"application/json", usage if tokens is None else tokens.plus(usage))


def _listed(response: Any) -> list[dict[str, str]]:
    names = ("b64_json", "url", "revised_prompt")
    read = [{name: value for name in names if (value := getattr(image, name, None))} for image in response.data or ()]
    return [image for image in read if "b64_json" in image or "url" in image]


def _from_chat(response: Any) -> list[dict[str, str]]:
    images = [image for choice in response.choices for image in getattr(choice.message, "images", None) or ()]
    return [{"b64_json": image["image_url"]["url"].partition(",")[2]} for image in images]


def _tokens(response: Any, request: ProviderRequest) -> Usage | None:
    """Return the tokens; output tokens of LiteLLM's image functions are all image tokens."""
    reported = getattr(response, "usage", None)
    if reported is None or request.target.gemini:
        return usage_of(reported)
    dumped = reported.model_dump(exclude_none=True, warnings=False)
    sent, made = (int(dumped.get(name) or 0) for name in ("input_tokens", "output_tokens"))
    details = dumped.get("input_tokens_details") or {}
    if not sent and not made:
        return None
    images = int(details.get("image_tokens") or 0)
    return Usage(input_tokens=sent, output_tokens=made, image_input_tokens=images, image_output_tokens=made)


IMAGE_GENERATION = EndpointAdapter(_generation, _generated, _answer)
IMAGE_EDIT = EndpointAdapter(_edit, _edited, _answer)
