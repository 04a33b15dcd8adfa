"""Requests for images, read from JSON or a form."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Collection
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from domain.errors import InvalidRequestError
from domain.form import Form, Part
from infra.providers.litellm.members import defaults_of, unknown, unsupported
from infra.providers.litellm.operation import ProviderRequest
from infra.providers.litellm.request import decoded

GENERATION = frozenset(
    {
        "background",
        "moderation",
        "n",
        "output_compression",
        "output_format",
        "quality",
        "response_format",
        "size",
        "style",
    }
)
"""Members of a generation besides the prompt."""
EDIT = (GENERATION - {"moderation", "style"}) | {"input_fidelity"}
"""Members of an edit besides the prompt and the images."""
_OURS = frozenset({"model", "prompt", "image", "images", "mask", "user", "stream", "partial_images"})
_INTEGERS = frozenset({"n", "output_compression"})


@dataclass(frozen=True, slots=True)
class Image:
    """Input image: an upload or a URL (``data:`` or on the web)."""

    part: Part | None = None
    address: str = ""

    def content(self) -> BytesIO:
        """Return its bytes as LiteLLM's functions take them.

        Raises:
            InvalidRequestError: it is on the web, which these functions do not read.
        """
        if self.part is not None:
            return BytesIO(self.part.content.read(0, self.part.content.size))
        head, _, encoded = self.address.partition(";base64,")
        if not head.startswith("data:"):
            raise unsupported("images", "This model takes images as uploads and as data: URLs only.")
        try:
            return BytesIO(b64decode(encoded, validate=True))
        except (Base64Error, ValueError):
            raise InvalidRequestError("'images' has a data: URL that is not base64.", param="images") from None

    def url(self) -> str:
        """Return it as a URL for a part of a message."""
        if self.part is None:
            return self.address
        encoded = b64encode(self.part.content.read(0, self.part.content.size)).decode()
        return f"data:{self.part.content_type or 'image/png'};base64,{encoded}"


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """An image request.

    Args:
        prompt: description of the image.
        members: everything else, under OpenAI's names.
        images: input images.
        mask: the part that may change.
    """

    prompt: str
    members: dict[str, Any]
    images: list[Image] = field(default_factory=list)
    mask: Image | None = None

    @property
    def number(self) -> int | None:
        """Number of images; None if the caller left it open."""
        value = self.members.get("n")
        return value if isinstance(value, int) else None

    @property
    def size(self) -> str | None:
        """Size; None if the model decides."""
        value = self.members.get("size")
        return None if value is None or value == "auto" else str(value)


def read_image_request(request: ProviderRequest, known: Collection[str]) -> ImageRequest:
    """Read a request.

    Raises:
        InvalidRequestError: a member is unknown, invalid or not supported through LiteLLM.
    """
    form = request.call.form
    wanted = _from_json(request, known) if form is None else _from_form(form, known)
    if request.call.stream:
        raise unsupported("stream", "This model does not stream images: leave 'stream' out.")
    if wanted.members.get("response_format") == "url" and request.target.google:
        raise unsupported("response_format", "This model returns images as 'b64_json' only.")
    for name in _INTEGERS & wanted.members.keys():
        if not isinstance(wanted.members[name], int) or isinstance(wanted.members[name], bool):
            raise InvalidRequestError(f"'{name}' must be an integer.", param=name, code="invalid_type")
    defaults = defaults_of(request, known)
    return ImageRequest(wanted.prompt, defaults | wanted.members, wanted.images, wanted.mask)


def _from_json(request: ProviderRequest, known: Collection[str]) -> ImageRequest:
    said = {name: decoded(raw) for name, raw in request.call.fields.items()}
    for name in said:
        if name not in known and name not in _OURS:
            raise unknown(name)
    listed = said.get("images") or []
    images = [_address(f"images[{index}]", each) for index, each in enumerate(listed)]
    mask = said.get("mask")
    members = {name: value for name, value in said.items() if name in known and value is not None}
    return ImageRequest(_prompt(said.get("prompt")), members, images, None if mask is None else _address("mask", mask))


def _address(where: str, value: Any) -> Image:
    address = value.get("image_url") if isinstance(value, dict) else None
    if not isinstance(address, str):
        raise unsupported(where, f"'{where}' must have an 'image_url': this model has no stored files.")
    return Image(address=address)


def _from_form(form: Form, known: Collection[str]) -> ImageRequest:
    members: dict[str, Any] = {}
    for part in form.parts:
        name = part.name.removesuffix("[]")
        if name not in known and name not in _OURS:
            raise unknown(name)
        if name in known:
            members[name] = int(part.text) if name in _INTEGERS and part.text.isdecimal() else part.text
    masks = form.files("mask")
    images = [Image(part) for part in form.files("image")]
    return ImageRequest(_prompt(form.text("prompt")), members, images, Image(masks[0]) if masks else None)


def _prompt(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidRequestError("'prompt' must be a non-empty string.", param="prompt")
    return value
