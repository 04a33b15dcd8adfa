"""Reader of the address of an upstream, as people paste it: whole URLs of one call, and pages of a vendor's portal."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from domain.documents.reader import Reader
from domain.documents.values import VARIABLE_NAME
from domain.operation import Endpoint
from domain.vendor import Wire
from domain.vendors import VENDORS, ModelType

_EXAMPLE = '"https://name.openai.azure.com/"'
_CALLS = tuple(sorted((f"/{endpoint.value}" for endpoint in Endpoint), key=len, reverse=True))
_DEPLOYMENT = re.compile(r"(.*?)/openai/deployments(?:/([^/]*))?(?:/.*)?")
_VERSION = re.compile(r"(?:^|&)api-version=([\w.-]+)")
_PAGES = {
    "ai.azure.com": "the endpoint that its page shows",
    "oai.azure.com": "the endpoint of the resource",
    "portal.azure.com": "the endpoint of the resource",
    "platform.openai.com": '"https://api.openai.com/v1"',
    "console.anthropic.com": '"https://api.anthropic.com"',
    "console.cloud.google.com": "no endpoint, and gcp_project and location",
}
"""Hosts of web pages that are pasted in place of an API's address, with what is meant."""


def check_endpoint(reader: Reader, endpoint: str | None, model_type: ModelType | None) -> None:
    """Note an address that cannot be called, with the one that was probably meant."""
    if endpoint is None or VARIABLE_NAME.fullmatch(endpoint):
        return
    name = "endpoint" if reader.given("endpoint") else "api_base"
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or " " in endpoint:
        reader.error(name, "is not an address", f"an address such as {_EXAMPLE}")
    elif parts.username is not None:
        reader.error(name, "contains a user name or a password", "an address without, and the key in secret_name")
    elif parts.hostname in _PAGES:
        reader.error(name, "is a web page, not the address of an API", _PAGES[parts.hostname])
    else:
        _check_path(reader, name, parts, model_type)


def _check_path(reader: Reader, name: str, parts: SplitResult, model_type: ModelType | None) -> None:
    path = parts.path.rstrip("/")
    native = model_type is not None and Wire.NATIVE in VENDORS[model_type].wires
    deployment = _DEPLOYMENT.fullmatch(path)
    if deployment is not None:
        meant = [_address(parts, deployment[1])]
        meant += [f'"deployment_name": "{unquote(deployment[2])}"'] if deployment[2] else []
        version = _VERSION.search(parts.query)
        meant += [f'"api_version": "{version[1]}"'] if version is not None else []
        reader.error(name, "is the address of one deployment, not of the resource", " and ".join(meant))
        return
    call = next((each for each in _CALLS if path.endswith(each)), None)
    if call is not None and native:
        wrong = f"is the address of a call ({call.removeprefix('/')}), not the base address"
        reader.error(name, wrong, _address(parts, path.removesuffix(call)))
    elif parts.query or parts.fragment:
        report = reader.error if native else reader.warn
        report(name, "has a query or a fragment, which cannot be sent", _address(parts, path))


def _address(parts: SplitResult, path: str) -> str:
    return f'"{parts.scheme}://{parts.netloc}{path}"'
