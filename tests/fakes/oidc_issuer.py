"""``oauth2-mock-server`` as the issuer of callers' tokens, both as Entra ID and as any other issuer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.tools import ROOT, require_node_package

TENANT = "5f0a1f2e-0000-4000-8000-00000000aaaa"
AUDIENCE = "11111111-2222-4333-8444-555555555555"
_SCRIPT = ROOT / "tests" / "node" / "oidc_issuer.mjs"


class OidcIssuer:
    """A running issuer.

    Args:
        port: on the loopback address.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.url, trust_env=False)

    @property
    def entra(self) -> str:
        """Name of the tenant's issuer, version 2."""
        return f"{self.url}/{TENANT}/v2.0"

    def settings(self) -> dict[str, str]:
        """Return the variables of a server that accepts its tokens, as those of Entra ID."""
        return {
            "LLMPROXY_ENTRA_TENANTS": TENANT,
            "LLMPROXY_ENTRA_AUDIENCES": AUDIENCE,
            "LLMPROXY_ENTRA_AUTHORITY": self.url,
        }

    def token(self, *, without: tuple[str, ...] = (), **claims: Any) -> str:
        """Sign a token of an application of the tenant with some other claims."""
        base = {"iss": self.entra, "aud": AUDIENCE, "tid": TENANT, "oid": "object-of-app", "azp": "app"}
        base["sub"] = claims.get("oid", base["oid"])
        return str(self._steer("sign", {"claims": {**base, **claims}, "without": without}))

    def expiring(self, seconds: float, **claims: Any) -> str:
        """Sign a token that expires so many seconds from now."""
        return self.token(exp=int(time.time() + seconds), **claims)

    def set_people(self, host: str = "localhost", **claims: Any) -> str:
        """Choose the claims of people who sign in with a browser; return the issuer's address for these."""
        return str(self._steer("people", {"claims": claims, "host": host}))

    def rotate(self, algorithm: str = "RS256") -> str:
        """Sign with a new key from now on, and return its id."""
        return str(self._steer("rotate", {"algorithm": algorithm}))

    def set_available(self, *, available: bool) -> None:
        """Answer no requests for keys, or answer them again."""
        self._steer("available", {"available": available})

    def fetches(self) -> int:
        """Count the requests for its keys."""
        return int(self._steer("counts", {})["keys"])

    def keys(self) -> list[dict[str, str]]:
        """Return its public keys."""
        found: list[dict[str, str]] = self._steer("keys", {})
        return found

    def _steer(self, what: str, body: dict[str, Any]) -> Any:
        return self._client.post(f"/steer/{what}", json=body).raise_for_status().json()


@contextmanager
def oidc_issuer() -> Iterator[OidcIssuer]:
    """Run an issuer until the block ends."""
    node = require_node_package("oauth2-mock-server")
    with subprocess.Popen(  # noqa: S603 - the program that was just looked up
        [node, str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield OidcIssuer(int(process.stdout.readline()))
        finally:
            process.kill()
