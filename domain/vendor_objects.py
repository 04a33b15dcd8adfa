"""Objects of a vendor's account that a request can refer to: files, stored conversations, vector stores, containers.

Whoever knows the id of such an object can use it, and the account belongs to every project that calls the vendor
through this proxy. Such references are therefore refused unless the model document or the project allows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.operation import Endpoint

_EVERYWHERE = frozenset(Endpoint)
_RESPONSES = frozenset({Endpoint.RESPONSES})
_CHAT = frozenset({Endpoint.CHAT_COMPLETIONS})
_OPENAI = "https://platform.openai.com/docs/api-reference"


@dataclass(frozen=True, slots=True)
class VendorObject:
    """One kind of object.

    Args:
        name: its name in ``vendor_objects`` of documents and projects.
        source: where the vendor documents the members.
        members: members of the body itself that refer to one, whatever their value.
        endpoints: the endpoints of those members; elsewhere they mean something else.
        keys: members at any depth that refer to one by a string, or by a list of strings.
        types: values of ``type`` at any depth that make an object a reference.
        addresses: beginnings of addresses that refer to one, as a regular expression.
    """

    name: str
    source: str
    members: frozenset[str] = frozenset()
    endpoints: frozenset[Endpoint] = _EVERYWHERE
    keys: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    addresses: str = ""


VENDOR_OBJECTS: tuple[VendorObject, ...] = (
    VendorObject(
        "conversation", f"{_OPENAI}/responses/create#conversation", frozenset({"conversation"}), endpoints=_RESPONSES
    ),
    VendorObject("prompt", f"{_OPENAI}/responses/create#prompt", frozenset({"prompt"}), endpoints=_RESPONSES),
    VendorObject("item_reference", f"{_OPENAI}/responses/create#input", types=("item_reference",)),
    VendorObject(
        "comparison_response_id", f"{_OPENAI}/responses/create#prompt_cache_options", keys=("comparison_response_id",)
    ),
    # Chat: file parts. Responses: input_file, input_image, screenshots, masks, code interpreter. Images: references.
    # Anthropic and Mistral use the same name (https://docs.anthropic.com/en/docs/build-with-claude/files).
    VendorObject("file_id", f"{_OPENAI}/files", keys=("file_id", "file_ids")),
    VendorObject("vector_store_ids", f"{_OPENAI}/vector-stores", keys=("vector_store_ids",)),
    # An input item with a container_id is a reference: "auto" containers are reused by it. Anthropic has it at the top
    # (https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/code-execution-tool).
    VendorObject("container", f"{_OPENAI}/containers", frozenset({"container"}), keys=("container", "container_id")),
    VendorObject("skill_id", f"{_OPENAI}/skills", keys=("skill_id",)),
    VendorObject("tunnel_id", f"{_OPENAI}/responses/create#tools", keys=("tunnel_id",)),
    VendorObject("collection_ids", "https://docs.x.ai/docs/guides/using-collections", keys=("collection_ids",)),
    VendorObject("library_ids", "https://docs.mistral.ai/agents/connectors/document_library", keys=("library_ids",)),
    VendorObject(
        "data_sources",
        "https://learn.microsoft.com/azure/ai-services/openai/references/on-your-data",
        frozenset({"data_sources"}),
        endpoints=_CHAT,
    ),
    VendorObject(
        "cached_content",
        "https://ai.google.dev/gemini-api/docs/caching",
        frozenset({"cached_content", "cachedContent"}),
        keys=("cached_content", "cachedContent"),
    ),
    VendorObject(
        "file_uri",
        "https://ai.google.dev/gemini-api/docs/files",
        addresses=r"https?:(?:\\?/){2}generativelanguage\.googleapis\.com\\?/[\w.\\/]{1,40}?files\\?/",
    ),
    VendorObject(
        "storage_uri",
        "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference#filedata",
        addresses=r"(?:gs|s3):(?:\\?/){2}",
    ),
)

VENDOR_OBJECT_NAMES: tuple[str, ...] = tuple(row.name for row in VENDOR_OBJECTS)

TOP_LEVEL: Mapping[Endpoint, Mapping[str, str]] = MappingProxyType(
    {
        endpoint: {member: row.name for row in VENDOR_OBJECTS if endpoint in row.endpoints for member in row.members}
        for endpoint in Endpoint
    }
)
"""For each endpoint the members of the body that refer to an object, with the name of its kind."""

KEYS: Mapping[str, str] = MappingProxyType({key: row.name for row in VENDOR_OBJECTS for key in row.keys})
"""Members at any depth that refer to an object by its id, with the name of its kind."""

ADDRESS_KEYS = (
    *("url", "uri", "image_url", "video_url", "audio_url", "file_url", "document_url"),
    *("file_uri", "fileUri", "gcs_uri", "gcsUri", "file_data", "data", "image"),
)
"""Members at any depth that hold addresses."""

CITATIONS = ("file_citation", "container_file_citation", "file_path")
"""Types of annotations in earlier answers: they name objects and do not make a model read them."""
