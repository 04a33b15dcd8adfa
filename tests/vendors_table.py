"""Write ``docs/vendors.md`` from the code: ``python -m tests.vendors_table``."""

from __future__ import annotations

from collections.abc import Iterator

from domain.operation import Endpoint
from domain.vendors import VENDORS, Vendor
from tests.tools import ROOT

PAGE = ROOT / "docs" / "vendors.md"
_HEAD = """# Vendors

Written by `python -m tests.vendors_table` from `domain/vendors.py`.

The `model_type` of a document says which vendor, or which kind of server, it is sent to. *address* is called where the
document names no `endpoint`.

"""
_ENDPOINTS = """
## Endpoints

*native*: bytes are relayed in OpenAI's format. *LiteLLM*: that library translates the request. An empty cell: the
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
        cells = (next((wire for wire, served in vendor.wires.items() if each in served), "") for each in Endpoint)
        yield [f"`{model_type}`", *cells]


def page() -> str:
    """Return the whole page."""
    return _HEAD + _table(vendors()) + _ENDPOINTS + _table(endpoints()) + _NOTES


def _table(rows: Iterator[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
