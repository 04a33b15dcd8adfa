"""Tokens that must be refused, with a part of the reason that their callers are given."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.oidc_issuer import AUDIENCE, TENANT, OidcIssuer

OTHER_TENANT = "5f0a1f2e-0000-4000-8000-00000000bbbb"


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims_of(issuer: OidcIssuer) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": issuer.entra, "aud": AUDIENCE, "tid": TENANT, "oid": "o", "azp": "app", "exp": now + 600}


def _unsigned(issuer: OidcIssuer) -> str:
    header = {"alg": "none", "typ": "JWT", "kid": issuer.keys()[-1]["kid"]}
    return f"{encoded(header)}.{encoded(claims_of(issuer))}."


def _signed_with_the_public_key(issuer: OidcIssuer) -> str:
    key = issuer.keys()[-1]
    begin = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': key['kid']})}.{encoded(claims_of(issuer))}"
    secret = base64.urlsafe_b64decode(key["n"] + "==")
    signature = hmac.new(secret, begin.encode(), hashlib.sha256).digest()
    return f"{begin}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _tampered(issuer: OidcIssuer) -> str:
    header, _, signature = issuer.token(azp="unknown").split(".")
    return f"{header}.{encoded(claims_of(issuer))}.{signature}"


def _nested(_issuer: OidcIssuer) -> str:
    return "eyJ" + base64.urlsafe_b64encode(b"[" * 8_000).decode() + ".e30.AA"


BAD: dict[str, tuple[Callable[[OidcIssuer], str], str]] = {
    "no signature": (_unsigned, "algorithm"),
    "shared secret": (_signed_with_the_public_key, "algorithm"),
    "tampered": (_tampered, "signature"),
    "audience": (lambda issuer: issuer.token(aud="https://cognitiveservices.azure.com"), "another service"),
    "no audience": (lambda issuer: issuer.token(without=("aud",), aud=None), "aud"),
    "issuer": (lambda issuer: issuer.token(iss=f"{issuer.url}/{OTHER_TENANT}/v2.0"), "issuer"),
    "issuer of another kind": (lambda issuer: issuer.token(iss=["a"]), "issuer"),
    "tenant": (lambda issuer: issuer.token(tid=OTHER_TENANT), "tenant"),
    "expired": (lambda issuer: issuer.expiring(-120), "expired"),
    "no expiry": (lambda issuer: issuer.token(exp=None), "exp"),
    "not valid yet": (lambda issuer: issuer.token(nbf=int(time.time()) + 600), "not valid yet"),
    "no caller": (lambda issuer: issuer.token(oid=""), "no caller"),
    "closed project": (lambda issuer: issuer.token(azp="closed"), "disabled"),
    "unknown application": (lambda issuer: issuer.token(azp="unknown"), "belongs to no project"),
    "user of a listed application": (lambda issuer: issuer.token(scp="x", oid="stranger"), "belongs to no project"),
    "huge": (lambda issuer: issuer.token(groups=["g" * 36] * 500), "longer than"),
    "nested": (_nested, "not a JSON Web Token"),
    "no token": (lambda _issuer: "eyJ", "not a JSON Web Token"),
}
