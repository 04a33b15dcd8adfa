"""Writes ``docs/vendors.md`` from the code: ``python -m tests.vendors_table``."""

from __future__ import annotations

from collections.abc import Iterator

from domain.capabilities import CAPABILITIES
from domain.model import ModelType
from domain.operation import Endpoint
from infra.providers.dispatch import Dispatch
from infra.providers.litellm.models import ROUTES, Credential
from infra.providers.openai_wire.request.vendors import VENDORS, UrlStyle
from llmproxy.settings import Settings
from llmproxy.wiring import make_providers
from tests.tools import ROOT

PAGE = ROOT / "docs" / "vendors.md"
_WORDS = {"openai_wire": "native", "litellm": "LiteLLM", "simulator": "native"}
_HEAD = """# Vendors

What each `model_type` can be asked. *native*: bytes are relayed in OpenAI's format. *LiteLLM*: the request is
translated by that library. An empty cell: the vendor's API has no such thing, or LiteLLM cannot reach it; such a call
is answered with 400 and what the model can do. Written by `python -m tests.vendors_table`;
`tests/e2e/test_vendors.py` calls every cell that is filled.

"""
_NOTES = """
## What is different through LiteLLM

- **Responses** are made of chat completions. Nothing is kept: `previous_response_id`, `conversation`, `prompt`,
  `background` and `item_reference` are refused with 400, and `GET /v1/responses/{id}` answers 404. Tools are
  `function`, `custom` and `web_search`; those that OpenAI runs itself are refused. `Perplexity` and `Blackbox` are
  reached this way for responses and completions only.
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


def needed(model_type: ModelType) -> str:
    """The parameters without which documents of a type cannot be called."""
    key = "`secret_name` or `api_key`"
    if model_type is ModelType.SIMULATOR:
        return "none"
    if model_type is ModelType.LITELLM:
        return f"`model`, {key}"
    names: list[str] = []
    if model_type in VENDORS:
        vendor = VENDORS[model_type]
        names += ["`endpoint`"] if vendor.base is None else []
        names += ["`deployment_name`"] if vendor.form is UrlStyle.AZURE else []
        if vendor.credential_required:
            names.append(f"{key} or the machine's identity" if vendor.identity else key)
        return ", ".join(names) or "none"
    route = ROUTES[model_type]
    names += ["`endpoint`"] if route.endpoint_needed else []
    if route.credential is Credential.GOOGLE:
        return "`gcp_project`, `location`; `secret_name` or the machine's identity"
    return ", ".join([*names, key])


def rows(dispatch: Dispatch) -> Iterator[list[str]]:
    """The table's rows, its head first."""
    yield ["`model_type`", *(f"`{endpoint.value}`" for endpoint in Endpoint), "parameters needed"]
    yield ["---"] * (len(Endpoint) + 2)
    for model_type in ModelType:
        served = dispatch.adapter_names(model_type)
        cells = [_WORDS[served[each]] if each in CAPABILITIES[model_type] else "" for each in Endpoint]
        yield [f"`{model_type.value}`", *cells, needed(model_type)]


def page() -> str:
    """The whole page."""
    dispatch = make_providers(Settings(), {}).dispatch
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows(dispatch)) + _NOTES


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
