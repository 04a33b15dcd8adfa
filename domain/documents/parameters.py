"""Reader of ``parameters`` in model documents. No value of them ever appears in a fault."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.documents.endpoint import check_endpoint
from domain.documents.reader import Reader
from domain.documents.request_defaults import KNOWN_DEFAULTS, read_default
from domain.documents.values import MASK, VARIABLE_NAME, closest
from domain.model import Parameters
from domain.reserved_env_vars import is_own_setting
from domain.vendor import Credential, Wire
from domain.vendors import VENDORS, ModelType

LONGEST_TIMEOUT = Decimal(3600)

_EXAMPLES = {
    "secret_name": '"AZURE_OPENAI_API_KEY"',
    "api_key": '"AZURE_OPENAI_API_KEY"',
    "endpoint": '"https://name.openai.azure.com/"',
    "deployment_name": '"gpt-4-deployment"',
    "api_version": '"2024-10-21"',
    "gcp_project": '"my-project"',
    "location": '"us-central1"',
    "model": '"gpt-4o", or for LiteLLM "bedrock/..."',
}
_ALIASES = {"endpoint": "api_base", "gcp_project": "project_id"}
PARAMETER_MEMBERS = frozenset({*_EXAMPLES, *_ALIASES.values(), "enable_tools", "timeout", "wire"})
_OTHER_NAMES = {
    "base_url": "endpoint",
    "url": "endpoint",
    "apikey": "api_key",
    "key": "api_key",
    "deployment": "deployment_name",
}
_LONGEST_VARIABLE_NAME = 128
_MOST_PARAMETERS = 200


def read_parameters(owner: Reader, model_type: ModelType | None, code: str) -> Parameters:
    """Read the parameters, and check what this model type needs.

    Args:
        owner: the reader of the whole document.
        model_type: the vendor; None if unknown, and then nothing is required.
        code: the public name, which is also the name of an Azure deployment where none is given.
    """
    reader = owner.table("parameters", discreet=True)
    texts = {name: _text(reader, name) for name in _EXAMPLES}
    _check_secret(reader, texts)
    check_endpoint(reader, texts["endpoint"], model_type)
    if model_type is not None:
        _check_needs(reader, texts, model_type)
        named_by = VENDORS[model_type].named_by
        if "deployment_name" in named_by and all(texts[name] is None for name in named_by):
            texts["deployment_name"] = code
    timeout = reader.number("timeout", least=Decimal(0), most=LONGEST_TIMEOUT, above=True)
    return Parameters(
        **texts,
        enable_tools=reader.flag("enable_tools", default=True),
        wire=_wire(reader, model_type),
        timeout=None if timeout is None else float(timeout),
        defaults=_defaults(reader),
    )


def _wire(reader: Reader, model_type: ModelType | None) -> Wire | None:
    if not reader.given("wire"):
        return None
    wire = reader.choice("wire", Wire)
    if wire is None or model_type is None:
        return wire
    known = VENDORS[model_type].wires
    if wire not in known:
        reader.error("wire", f"is not a wire of {model_type}", f"one of {', '.join(known)}")
    return wire


def _text(reader: Reader, name: str) -> str | None:
    value = reader.text(name, example=_EXAMPLES[name])
    alias = _ALIASES.get(name)
    if alias is not None:
        other = reader.text(alias, example=_EXAMPLES[name])
        if value is not None and other is not None and value != other:
            reader.error(name, f'and its alias "{alias}" differ', "one of the two")
        value = other if value is None else value
    if value is not None:
        _refuse_own_setting(reader, name, value)
    return value


def _refuse_own_setting(reader: Reader, name: str, value: str) -> None:
    if name != "secret_name" and not VARIABLE_NAME.fullmatch(value):
        return
    if is_own_setting(value):
        reader.error(name, "names a setting of the proxy itself", "the name of another environment variable")


def _check_secret(reader: Reader, texts: Mapping[str, str | None]) -> None:
    secret, key = texts["secret_name"], texts["api_key"]
    if secret is not None:
        plausible = all(character.isalnum() or character in "_-." for character in secret)
        if not plausible or len(secret) > _LONGEST_VARIABLE_NAME or secret.lower().startswith("sk-"):
            reader.error(
                "secret_name",
                "is not the name of an environment variable",
                "the variable's name, never the secret itself",
            )
    if key == MASK:
        reader.error("api_key", "is masked, and the store has no such key", "the name of an environment variable")
    elif key is not None and not VARIABLE_NAME.fullmatch(key):
        reader.warn("api_key", "looks like the key itself", "the key in an environment variable, and its name here")
    if key is not None and secret is not None:
        reader.warn("api_key", "is not used, because secret_name is given as well", "one of the two")


def _check_needs(reader: Reader, texts: Mapping[str, str | None], model_type: ModelType) -> None:
    def missing(name: str) -> bool:
        # A faulty member has its own fault already.
        return texts[name] is None and not reader.given(name) and not reader.given(_ALIASES.get(name, name))

    vendor = VENDORS[model_type]
    for name in filter(missing, vendor.required):
        reader.error(name, f"is missing, and {model_type} needs it", _EXAMPLES[name])
    for name in filter(missing, vendor.expected):
        reader.warn(name, f"is missing, and {model_type} usually needs it", _EXAMPLES[name])
    if missing("secret_name") and missing("api_key"):
        example = 'the name of an environment variable, for example "PROVIDER_API_KEY"'
        own_server = texts["endpoint"] is not None or vendor.address is None
        if vendor.credential is Credential.KEY and not own_server:
            reader.error("secret_name", f"is missing, and {model_type} needs a key", example)
        elif vendor.credential not in {Credential.OPTIONAL, Credential.BY_PROVIDER}:
            reader.warn("secret_name", "is missing: calls go out without a key of their own", example)


def _defaults(reader: Reader) -> dict[str, object]:
    defaults: dict[str, object] = {}
    if len(reader.members) > _MOST_PARAMETERS:
        reader.error("", f"has {len(reader.members)} members", f"at most {_MOST_PARAMETERS}")
        return defaults
    for name, value in reader.members.items():
        if name in PARAMETER_MEMBERS or value is None:
            continue
        # What looks like connection data must not travel in the body: it may be a key.
        meant = _OTHER_NAMES.get(str(name).lower()) or closest(str(name), PARAMETER_MEMBERS, cutoff=0.8)
        if meant is not None and name not in KNOWN_DEFAULTS:
            reader.warn(str(name), "unknown parameter; it is ignored", f"did you mean '{meant}'?")
            continue
        likely = None if name in KNOWN_DEFAULTS else closest(str(name), KNOWN_DEFAULTS, cutoff=0.85)
        if likely is not None:
            reader.warn(str(name), "is sent to the model as it is", f"did you mean '{likely}'?")
        default = read_default(reader, str(name), value)
        if default is not None:
            defaults[str(name)] = default
    return defaults
