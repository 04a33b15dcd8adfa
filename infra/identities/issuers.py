"""Issuers whose tokens are accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from domain.identity import Principal
from infra.clients.http.origin import Origin

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures with a public key. A shared secret or no signature at all is never accepted."""

_FIRST_VERSION = {
    "login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn",
    "login.chinacloudapi.cn": "https://sts.chinacloudapi.cn",
}
"""By the host of an authority: who issues its tokens of version 1. Elsewhere sts.windows.net does."""
_MEMBERS = {"issuer", "audiences", "algorithms", "jwks_url", "app_id_claim", "roles_claim", "groups_claim"}


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer, and how its tokens are read.

    Args:
        names: values of ``iss``.
        audiences: values of ``aud``, of which a token needs one.
        keys_url: address of its keys; None if its discovery document names it.
        algorithms: of signatures.
        tenant: value of ``tid`` for Entra ID; None for other issuers.
        app_id_claims: claims that name the application, the first one that a token has.
        roles_claim: of application roles.
        groups_claim: of groups.
    """

    names: tuple[str, ...]
    audiences: tuple[str, ...]
    keys_url: str | None = None
    algorithms: frozenset[str] = field(default=frozenset({"RS256"}))
    tenant: str | None = None
    app_id_claims: tuple[str, ...] = ("azp", "appid")
    roles_claim: str = "roles"
    groups_claim: str = "groups"

    def principal(self, claims: Mapping[str, Any]) -> Principal | None:
        """Read the caller from verified claims; None if they name none."""
        subject = claims.get("oid" if self.tenant is not None else "sub", claims.get("sub"))
        if not isinstance(subject, str) or not subject:
            return None
        # A user calls through an application that anyone in the tenant may use: only a token without a user is its own.
        alone = self.tenant is None or (not claims.get("scp") and claims.get("sub") == subject)
        apps = (claims.get(name) for name in self.app_id_claims) if alone else iter(())
        app = next((each for each in apps if isinstance(each, str) and each), None)
        return Principal(
            self.tenant or self.names[0],
            subject,
            app,
            _texts(claims.get(self.roles_claim)),
            _texts(claims.get(self.groups_claim)),
        )


def entra_issuers(authority: str, tenants: Sequence[str], audiences: Sequence[str]) -> list[Issuer]:
    """Return the issuers of tenants of Entra ID, with tokens of both versions.

    Args:
        authority: ``https://login.microsoftonline.com``, or that of a sovereign cloud.
        tenants: their ids.
        audiences: ids of the applications that stand for this proxy; ``api://ID`` is accepted with each of them.
    """
    both = tuple(dict.fromkeys(one for each in audiences for one in (each, f"api://{each.removeprefix('api://')}")))
    first = _FIRST_VERSION.get(urlsplit(authority).hostname or "", "https://sts.windows.net")
    return [
        Issuer(
            names=(f"{authority}/{tenant}/v2.0", f"{first}/{tenant}/"),
            audiences=both,
            keys_url=f"{authority}/{tenant}/discovery/v2.0/keys",
            tenant=tenant,
        )
        for tenant in tenants
    ]


def issuer_of(row: object) -> Issuer:
    """Read an entry of ``LLMPROXY_OIDC_ISSUERS``.

    Raises:
        ValueError: it has a fault; the message names the member.
    """
    if not isinstance(row, Mapping):
        raise ValueError('expected objects such as {"issuer": "https://id.example.com", "audiences": ["llmproxy"]}')  # noqa: TRY004 - see below
    unknown = sorted(set(row) - _MEMBERS)
    if unknown:
        raise ValueError(f"unknown member {unknown[0]!r}: expected {', '.join(sorted(_MEMBERS))}")
    name = _address(row, "issuer")
    if name is None:
        raise ValueError("issuer is missing")
    audiences = _texts(row.get("audiences"))
    if not audiences:
        raise ValueError("audiences is missing: a list of the values of `aud` that are meant for this proxy")
    algorithms = frozenset(_texts(row.get("algorithms", ["RS256"])))
    if not algorithms or algorithms - ALGORITHMS:
        raise ValueError(f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
    claims = {
        claim: row.get(claim, default) for claim, default in (("roles_claim", "roles"), ("groups_claim", "groups"))
    }
    app_id = row.get("app_id_claim")
    for claim, value in {**claims, "app_id_claim": app_id or "azp"}.items():
        if not isinstance(value, str):
            raise ValueError(f"{claim} must be the name of a claim")  # noqa: TRY004 - a setting's fault is a ValueError
    return Issuer(
        names=(name,),
        audiences=audiences,
        keys_url=_address(row, "jwks_url"),
        algorithms=algorithms,
        app_id_claims=("azp", "client_id") if app_id is None else (str(app_id),),
        roles_claim=str(claims["roles_claim"]),
        groups_claim=str(claims["groups_claim"]),
    )


def secure_address(url: str) -> str:
    """Check that an address is one of https, or of this machine.

    Raises:
        ValueError: it is not.
    """
    origin, _ = Origin.parse(url)
    if origin.scheme != "https" and origin.host not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError("expected an https address: whoever answers in its place could issue any token")
    return url


def _address(row: Mapping[str, object], name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} must be an address")  # noqa: TRY004 - a setting's fault is a ValueError
    try:
        return secure_address(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()
