"""Write ``docs/vendors.md`` from the code: ``python -m tests.vendors_table``."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from domain.operation import Endpoint
from domain.vendor import Vendor
from domain.vendors import VENDORS
from infra.providers.litellm.families import FAMILIES, Handling
from infra.providers.litellm.families import WITHOUT_EFFECT as CHAT_WITHOUT_EFFECT
from infra.providers.litellm.responses import WITHOUT_EFFECT
from tests.tools import ROOT
from tests.wire_comparison import RESULT

PAGE = ROOT / "docs" / "vendors.md"
_HEAD = """# Vendors

Written by `python -m tests.vendors_table` from `domain/vendors.py`.

The `model_type` of a document says which vendor, or which kind of server, it is sent to. *address* is called where the
document names no `endpoint`.

"""
_ENDPOINTS = """
## Endpoints

*native*: bytes are relayed in OpenAI's format. *litellm*: LiteLLM translates the request. Where both are named, the
first is used unless the document's `wire` chooses. `AzureFoundry` uses *native* by itself only for hosts below
`services.ai.azure.com` and `openai.azure.com` and for models other than Claude; Vertex AI's only if `gcp_project` and
`location` are given. An empty cell: the
vendor's API lacks it, or LiteLLM cannot reach it; such a call gets 400 and the endpoints that the model has.
`tests/e2e/test_vendors.py` calls every cell that is filled.

"""
_NOTES = """
## What is different through LiteLLM

- **Responses** are made of chat completions. Nothing is kept: `previous_response_id`, `conversation`, `prompt`,
  `background` and `item_reference` are refused with 400, and `GET /v1/responses/{id}` answers 404. Tools are
  `function`, `custom` and `web_search`; those that OpenAI runs itself are refused. `Perplexity` and `Blackbox` are
  reached through LiteLLM for responses and completions only.
- **Completions** are chat completions with one message. One prompt, as text; `suffix`, `echo`, `logprobs` and
  `best_of` above 1 are refused.
- **Embeddings** take text, not arrays of tokens. `encoding_format: "base64"` works everywhere. `Cohere` takes
  `input_type` and `truncate`, `GoogleVertex` `task_type`, `title` and `auto_truncate`, from the caller or as defaults
  of the document. Where the vendor counts nothing (the Gemini API), tokens are estimated.
- **Images** come whole: `stream` is refused. `GoogleVertex` hands them over as `b64_json`. Gemini's image models make
  one at a time, in the sizes 1024x1024, 1024x1536, 1536x1024, 896x1280, 1280x896, 1024x1792 and 1792x1024, report
  tokens, and take several images to edit, but no mask. Imagen makes up to `n`, in these sizes without 1024x1536 and
  1536x1024, and takes a mask.
- **Speech** comes in one piece, after it is made: `stream_format: "sse"` is refused. `GoogleVertex` is Google Cloud
  Text-to-Speech: `voice` is one of OpenAI's six first voices or a name of Google's (`en-US-Chirp3-HD-Charon`);
  formats mp3, opus, wav and pcm; no `instructions`. Models with `gemini` in their name speak wav (the default) and
  pcm, and take `instructions`.
- **Transcriptions** come whole: `stream` is refused. `GoogleVertex` is Google Cloud Speech-to-Text (`chirp_2`,
  `chirp_3`, billed by the seconds that Google reports) and Gemini's transcription models (`gemini-3.5-transcribe`,
  billed by tokens); formats json and text; no `prompt`, no timestamps. The upload is read into memory for them.
- **`LiteLLM`** goes wherever the model string leads: what it can do depends on that vendor. It is tested with Gemini,
  Azure OpenAI and OpenAI behind it.

`endpoint` of `GoogleVertex` and its kin is a base address, such as that of Private Service Connect or of a proxy:
what is needed is put below it.

### Parts of a request

What is not delivered or translated is refused with a 400 that names it, so that nothing disappears. Without effect on
an answer, and accepted for that reason (delivered where the vendor has them): in chat completions
CHAT,
in responses
RESPONSES;
members of earlier answers that only report on them (`annotations`, `reasoning_content`); `strict` of a function, whose
schema is delivered; `detail` of an image. `cache_control` is removed for vendors without it. A participant's `name` is
put before the text where the vendor has no such member. `allowed_tools` is translated to fewer tools. Claude's
thinking is left out of a turn that began with tool calls whose `thinking_blocks` the caller did not send back. A custom
tool of responses is a function with one argument, `input`, whose text is streamed as
`response.custom_tool_call_input.delta`.

"""


_WIRES = """
## Native wire or LiteLLM

For vendors with both wires, what of OpenAI's chat request is not delivered, and what comes back; compared by `python
-m tests.wire_comparison`. The native wire delivers everything, and the vendor decides. It is the default for Vertex
AI's open models and for Azure AI Foundry, where it loses less and costs a sixth of the CPU. LiteLLM remains the
default for Gemini, whose address in OpenAI's format lacks grounding, safety settings and thinking, and for Cohere,
whose address in OpenAI's format refuses `stream_options`, so that streams report no usage, and does not report what
it bills. Claude, Mistral and Jamba have no such address.

"""


def vendors() -> Iterator[list[str]]:
    """Rows of the first table, its head first."""
    yield ["`model_type`", "reaches", "address", "upstream name", "parameters needed"]
    yield ["---"] * 5
    for model_type, vendor in VENDORS.items():
        address = f"`{vendor.address}`" if vendor.address else "`endpoint`" if "endpoint" in vendor.required else ""
        needed = [f"`{name}`" for name in (*vendor.required, *vendor.expected)]
        yield [
            f"`{model_type}`",
            vendor.reaches,
            address,
            _name(vendor),
            ", ".join([*needed, *filter(None, [vendor.credential.value])]) or "none",
        ]


def _name(vendor: Vendor) -> str:
    if "model" in vendor.required:
        return "`model`"
    named = ", else ".join(f"`{member}`" for member in (*vendor.named_by, "code"))
    if vendor.prefix:
        return f"{named}; `{vendor.prefix}` is added where it is missing"
    return f"{named}; without `{vendor.omitted_prefix}`" if vendor.omitted_prefix else named


def endpoints() -> Iterator[list[str]]:
    """Rows of the second table, its head first."""
    yield ["`model_type`", *(f"`{endpoint}`" for endpoint in Endpoint)]
    yield ["---"] * (len(Endpoint) + 1)
    for model_type, vendor in VENDORS.items():
        cells = (" or ".join(wire for wire, served in vendor.wires.items() if each in served) for each in Endpoint)
        yield [f"`{model_type}`", *cells]


def families() -> Iterator[list[str]]:
    """Rows of the table of what LiteLLM delivers, its head first."""
    roles = ("system", "user", "assistant", "tool")
    yield [
        "vendors",
        *(f"parts of `{role}`" for role in roles),
        "`cache_control`",
        "`json_object`",
        "custom tools in chat",
    ]
    yield ["---"] * (len(roles) + 4)
    for family in FAMILIES:
        parts = (_parts(family.parts(role)) for role in roles)
        yield [
            family.name,
            *parts,
            *(each.value for each in (family.cache_control, family.json_object, family.custom_tools)),
        ]


def _parts(parts: Mapping[str, Handling]) -> str:
    return ", ".join(f"`{kind}`" + (" (as text)" if how is Handling.TRANSLATED else "") for kind, how in parts.items())


def wires() -> Iterator[list[str]]:
    """Rows of the comparison of wires, its head first."""
    yield [
        "vendor",
        "wire",
        "members refused",
        "members without effect",
        "parts refused",
        "usage read",
        "members of errors",
    ]
    yield ["---"] * 7
    for model_type, compared in json.loads(RESULT.read_text("utf-8")).items():
        for wire, made in compared.items():
            without, refused = made["without effect"], made["refused"]
            lists = (
                refused["members"],
                without["members"],
                [part for part in refused["parts"] + without["parts"] if "hologram" not in part],
                made["usage"] or ["as the vendor reports it"],
                made["error"],
            )
            yield [f"`{model_type}`", wire, *(", ".join(f"`{name}`" for name in names) for names in lists)]


def page() -> str:
    """Return the whole page."""
    return (
        _HEAD
        + _table(vendors())
        + _ENDPOINTS
        + _table(endpoints())
        + _NOTES.replace("CHAT,", f"{_names(CHAT_WITHOUT_EFFECT)},").replace("RESPONSES;", f"{_names(WITHOUT_EFFECT)};")
        + _table(families())
        + _WIRES
        + _table(wires())
    )


def _names(names: Collection[str]) -> str:
    """List members, without those that are the request itself."""
    return ", ".join(f"`{name}`" for name in sorted(names) if name not in {"model", "stream", "stream_options"})


def _table(rows: Iterator[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
