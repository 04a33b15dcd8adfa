"""Resolve a document once: its address, the constant part of every request, the members that it adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.timeouts import Timeouts
from domain.vendor import Credential, Vendor, Wire
from domain.vendors import VENDORS
from infra.clients.http.origin import Origin
from infra.providers.destinations import Destinations
from infra.providers.forwarded_headers import ForwardedHeaders
from infra.providers.openai_wire.endpoints import ENDPOINTS
from infra.providers.openai_wire.request.address import DEFAULT_FORMAT, WIRE_FORMATS, WireFormat, locate
from infra.providers.openai_wire.usage_readers import UsageParser
from infra.providers.reported_usage import UnknownMembers
from infra.providers.resolve import ANYWHERE, GOOGLE_ADDRESS, ResolvedParameters, Secrets, resolve

_FIRST_PRINTABLE, _DELETE = 0x20, 0x7F
_TIMEOUTS = Timeouts(first_byte=600.0, idle=600.0, total=3600.0)


@dataclass(frozen=True, slots=True)
class ResolvedDeployment:
    """A deployment, ready to be called. Its ``repr`` shows neither credential nor address.

    Args:
        wire_format: wire details of its vendor.
        parse_usage: reads its ``usage`` objects.
        origin: the server.
        heads: for each endpoint the request line and the constant headers.
        stored: request target of stored responses: the path before an id, and the query string.
        headers: constant headers of requests about stored responses.
        code: the public name of the model.
        upstream_model: the name by which the upstream knows it.
        model: the same as JSON, for the body.
        defaults: members that the document adds where the caller sends none.
        credential: never to appear in messages; a Google account, where the wire format says so.
        identity: every request carries a token of the machine's identity.
        timeouts: time limits of a call.
        header_secrets: values of headers, never to appear in messages.
        forwarded: selects the caller's headers that requests carry; None if the document lists none.
    """

    wire_format: WireFormat
    parse_usage: UsageParser = field(repr=False)
    origin: Origin = field(repr=False)
    heads: Mapping[Endpoint, bytes] = field(repr=False)
    stored: tuple[str, str] = field(repr=False)
    headers: bytes = field(repr=False)
    code: str
    upstream_model: str
    model: msgspec.Raw
    defaults: tuple[tuple[str, msgspec.Raw], ...]
    credential: str | None = field(repr=False)
    identity: bool
    timeouts: Timeouts
    header_secrets: tuple[str, ...] = field(default=(), repr=False)
    forwarded: ForwardedHeaders | None = None


def resolve_deployment(
    document: ModelDocument,
    secrets: Secrets,
    user_agent: str,
    unknown: UnknownMembers,
    destinations: Destinations = ANYWHERE,
    timeouts: Timeouts = _TIMEOUTS,
) -> ResolvedDeployment:
    """Resolve a document. No network.

    Args:
        document: of the deployment.
        secrets: values of environment variables.
        user_agent: value of the ``User-Agent`` header.
        unknown: counts unknown members of ``usage`` objects.
        destinations: hosts that secrets and tokens may be sent to.
        timeouts: time limits of documents that set none.

    Raises:
        DeploymentUnusableError: it cannot be called; the reason names the parameter.
    """
    vendor = VENDORS[document.model_type]
    if Wire.NATIVE not in vendor.wires:
        raise DeploymentUnusableError(f"model_type {document.model_type} does not speak OpenAI's format")
    wire_format = WIRE_FORMATS.get(document.model_type, DEFAULT_FORMAT)
    address = GOOGLE_ADDRESS if wire_format.google else vendor.address
    parameters = resolve(document.parameters, secrets, destinations, default_address=address, headers=document.headers)
    credential = parameters.credential if wire_format.google else _credential(vendor, parameters)
    name = vendor.upstream_name(parameters, document.code)
    if not name.startswith(wire_format.prefix):
        name = wire_format.prefix + name
    origin, paths = locate(vendor, wire_format, parameters, name)
    if credential is None and (wire_format.google or vendor.credential is Credential.KEY_OR_IDENTITY):
        destinations.check_identity(f"{origin.scheme}://{origin.authority}")
    headers = [
        f"host: {origin.authority}",
        "accept-encoding: identity",
        f"user-agent: {user_agent}",
    ]
    if credential is not None and not wire_format.google:
        headers.append(f"{wire_format.header}: {wire_format.scheme}{credential}")
    own = "".join(f"{name}: {value}\r\n" for name, value in parameters.headers.items()).encode("latin-1")
    forwarded = document.forward_headers
    stored, _, query = paths[Endpoint.RESPONSES].partition("?")
    return ResolvedDeployment(
        wire_format=wire_format,
        parse_usage=UsageParser(document.model_type, unknown, reasoning_apart=wire_format.reasoning_apart),
        origin=origin,
        heads={
            endpoint: _lines(f"POST {path} HTTP/1.1", f"accept: {ENDPOINTS[endpoint].accept}", *headers) + own
            for endpoint, path in paths.items()
        },
        stored=(stored, query),
        headers=_lines("accept: application/json, text/event-stream", *headers) + own,
        code=document.code,
        upstream_model=name,
        model=msgspec.Raw(msgspec.json.encode(name)),
        defaults=tuple(
            (member, msgspec.Raw(msgspec.json.encode(value))) for member, value in parameters.defaults.items()
        ),
        credential=credential,
        identity=credential is None and vendor.credential is Credential.KEY_OR_IDENTITY,
        timeouts=timeouts.of(document),
        header_secrets=parameters.header_secrets,
        forwarded=ForwardedHeaders(forwarded, parameters.headers) if forwarded else None,
    )


def _lines(*lines: str) -> bytes:
    return "\r\n".join([*lines, ""]).encode("ascii")


def _credential(vendor: Vendor, parameters: ResolvedParameters) -> str | None:
    credential = (parameters.credential or "").strip()
    if not credential:
        if vendor.credential is Credential.KEY:
            raise DeploymentUnusableError("missing credential: name its environment variable in parameters.secret_name")
        return None
    if not all(_FIRST_PRINTABLE < ord(character) < _DELETE for character in credential):
        raise DeploymentUnusableError(
            "the credential has characters that are not allowed in a header (a space, a line break)"
        )
    return credential
