"""Sign-in of people at an issuer: OpenID Connect's authorisation code with PKCE."""

from __future__ import annotations

from urllib.parse import urlencode

from domain.errors import InvalidApiKeyError, UnavailableError
from infra.clients.http.errors import HttpError
from infra.clients.http.pool import HttpPool
from infra.identities.json_document import discovered, fetch_json, same_scheme


class CodeFlow:
    """Sends people to an issuer and exchanges the code that they return with.

    Args:
        pool: connections.
        issuer: its address, as its discovery document has it.
        client_id: of the application that stands for this proxy.
        secret: of the application; empty for a public client.
    """

    def __init__(self, pool: HttpPool, issuer: str, client_id: str, secret: str) -> None:
        self._pool = pool
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret

    async def address(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Return the address at which the issuer asks who somebody is.

        Args:
            redirect_uri: where they return to.
            state: they return with it.
            challenge: base64url of the SHA-256 of the verifier.

        Raises:
            UnavailableError: the issuer is unavailable.
        """
        query = {
            "client_id": self._client_id,
            "response_type": "code",
            "response_mode": "query",
            "scope": "openid profile",
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = await self._endpoint("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def token(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Exchange a code for the token that says who somebody is. It is not verified yet.

        Raises:
            InvalidApiKeyError: the issuer refuses the code.
            UnavailableError: the issuer is unavailable.
        """
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client_id,
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        if self._secret:
            form["client_secret"] = self._secret
        address = await self._endpoint("token_endpoint")
        try:
            found = (await fetch_json(self._pool, address, urlencode(form))).get("id_token")
        except HttpError:
            raise UnavailableError("The issuer is unavailable.", retry_after=5) from None
        except ValueError:
            found = None
        if not isinstance(found, str):
            raise InvalidApiKeyError("The issuer does not accept the code of this sign-in.")
        return found

    async def _endpoint(self, name: str) -> str:
        try:
            return same_scheme(self._issuer, (await discovered(self._pool, self._issuer)).get(name))
        except (HttpError, ValueError):
            raise UnavailableError("The issuer is unavailable.", retry_after=5) from None
