"""JSON Schema of model documents, for editors, and documents to start from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.documents.costs import COST_MEMBERS
from domain.documents.model import MODEL_MEMBERS
from domain.documents.parameters import PARAMETER_MEMBERS
from domain.fallbacks import FallbackReason
from domain.model import Affinity, Strategy
from domain.operation import Operation
from domain.vendor import Credential, Wire
from domain.vendor_objects import VENDOR_OBJECT_NAMES
from domain.vendors import VENDORS, ModelType

Schema = Mapping[str, object]
_TEXT: Schema = {"type": ["string", "null"]}
_FLAG: Schema = {"type": ["boolean", "string", "null"]}
_NUMBER: Schema = {"type": ["number", "string", "null"]}
_OBJECT: Schema = {"type": ["object", "null"]}


def _list(items: Schema) -> Schema:
    return {"type": ["array", "null"], "items": items}


def _one_of(options: Collection[str]) -> Schema:
    return {"enum": sorted(options)}


def _perhaps(options: Collection[str]) -> Schema:
    return {"enum": [*sorted(options), None]}


_TEXTS = _list({"type": "string"})
_TYPES: Mapping[str, Schema] = {
    "id": {"type": "string", "description": "Unique name of the deployment."},
    "code": {"type": ["string", "null"], "description": "Name by which callers ask for the model."},
    "model_type": {**_one_of([*ModelType]), "description": "The vendor."},
    "operations": {"type": "array", "minItems": 1, "items": _one_of([*Operation]), "description": "What it offers."},
    "costs": {
        **_OBJECT,
        "properties": {name: _TEXT if name == "currency" else _NUMBER for name in COST_MEMBERS},
        "description": "Prices, for 1,000,000 tokens or characters, a minute or an image.",
    },
    "parameters": {
        **_OBJECT,
        "properties": dict.fromkeys(sorted(PARAMETER_MEMBERS), _TEXT)
        | {"enable_tools": _FLAG, "timeout": _NUMBER, "wire": _perhaps([*Wire])},
        "description": "Address, credential and name of the model at the vendor; defaults of requests.",
    },
    "private": {**_FLAG, "description": "Only the projects listed may use it."},
    "enabled": {**_FLAG, "description": "false takes it out of service."},
    "priority": {**_NUMBER, "description": "Deployments with the lowest number are asked first."},
    "weight": {**_NUMBER, "description": "Share of the calls among deployments of one priority."},
    "routing": _perhaps([*Strategy]),
    "affinity": _perhaps([*Affinity]),
    "projects": _TEXTS,
    "forward_headers": _TEXTS,
    "vendor_objects": _list(_one_of(VENDOR_OBJECT_NAMES)),
    "fallbacks": {
        "anyOf": [_TEXTS, {"type": "object", "properties": dict.fromkeys(FallbackReason, _TEXTS)}],
        "description": "Models that are asked when this one fails.",
    },
    "retry_timeouts": _FLAG,
    "on_disconnect": {"type": ["string", "object", "null"]},
    **dict.fromkeys(("name", "provider", "keep_alive"), _TEXT),
    **dict.fromkeys(("limits", "headers", "timeouts", "health"), _OBJECT),
    **dict.fromkeys(
        (
            *("context_window", "max_output_tokens", "retries"),
            *("circuit_breaker_threshold", "circuit_breaker_timeout", "half_open_max_calls"),
        ),
        _NUMBER,
    ),
}
_ENDPOINTS = {
    ModelType.AZURE_OPENAI: "https://NAME.openai.azure.com/",
    ModelType.AZURE_FOUNDRY: "https://NAME.services.ai.azure.com/",
}
_EXAMPLES = {
    "endpoint": "https://HOST/v1",
    "deployment_name": "DEPLOYMENT",
    "api_version": "2024-10-21",
    "gcp_project": "PROJECT",
    "location": "us-central1",
    "model": "MODEL",
}


def model_schema() -> Schema:
    """Return the JSON Schema of a model document. What it accepts may still have faults that need a reader to find."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Model document of LLM Proxy",
        "type": "object",
        "required": ["id", "model_type", "operations"],
        "properties": {name: _TYPES.get(name, {}) for name in sorted(MODEL_MEMBERS)},
    }


def new_document(model_type: ModelType) -> dict[str, object]:
    """Return a document to start from: every member that the vendor needs, with values in capitals to replace."""
    vendor = VENDORS[model_type]
    needed = dict.fromkeys((*vendor.required, *vendor.expected, *vendor.named_by[:1]))
    parameters = {name: _EXAMPLES.get(name, name.upper()) for name in needed}
    if model_type in _ENDPOINTS:
        parameters["endpoint"] = _ENDPOINTS[model_type]
    if vendor.credential is not Credential.OPTIONAL:
        parameters = {"secret_name": f"{model_type.upper()}_KEY", **parameters}
    return {
        "id": "ID",
        "code": "MODEL",
        "name": "NAME",
        "provider": model_type.value,
        "model_type": model_type.value,
        "operations": sorted(vendor.operations & {Operation.CHAT_COMPLETION, Operation.RESPONSES})
        or sorted(vendor.operations),
        "parameters": parameters,
        "costs": {"currency": "USD", "cost_input_1Mtokens": 0, "cost_output_1Mtokens": 0},
    }
