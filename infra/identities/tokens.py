"""Verification of JSON Web Tokens with the keys of their issuers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from application.serving.token_callers import VerifiedToken
from domain.errors import InvalidApiKeyError
from infra.clients.http.pool import HttpPool
from infra.identities.issuers import Issuer
from infra.identities.key_set import Key, KeySet

LEEWAY = 60
"""Seconds that clocks may differ."""
_LONGEST = 16 * 1024
_REQUIRED = ["exp", "iss", "aud"]


class TokenVerifier:
    """Verifies tokens of several issuers.

    Args:
        pool: connections to issuers.
        issuers: whose tokens are accepted.
        monotonic: seconds.
    """

    def __init__(self, pool: HttpPool, issuers: Sequence[Issuer], monotonic: Callable[[], float]) -> None:
        self._issuers = {name: issuer for issuer in issuers for name in issuer.names}
        self._keys = {issuer.names: KeySet(pool, issuer.names[0], issuer.keys_url, monotonic) for issuer in issuers}

    async def __call__(self, token: str) -> VerifiedToken:
        """Verify a token.

        Raises:
            InvalidApiKeyError: it is not valid; the message says why, and quotes nothing of it.
            UnavailableError: the keys of its issuer are not known yet.
        """
        if len(token) > _LONGEST:
            raise InvalidApiKeyError(f"The token is longer than {_LONGEST:,} characters.")
        header, name = _unverified(token)
        issuer = self._issuers.get(name)
        if issuer is None:
            raise InvalidApiKeyError("The token's issuer (iss) is not accepted here.")
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise InvalidApiKeyError("The algorithm of the token's signature (alg) is not accepted for its issuer.")
        if not isinstance(key_id, str):
            raise InvalidApiKeyError("The token names no key (kid) of its issuer.")
        keys = self._keys[issuer.names]
        key = await keys.key(key_id)
        if key is None:
            raise InvalidApiKeyError("The token is signed with a key (kid) that its issuer does not publish.")
        claims = _verified(token, key, str(algorithm), issuer, name)
        principal = issuer.principal(claims)
        if principal is None:
            raise InvalidApiKeyError("The token names no caller (oid or sub).")
        return VerifiedToken(principal, float(claims["exp"]) + LEEWAY, lambda: key_id in keys)

    async def close(self) -> None:
        """End what is under way. Safe to repeat."""
        for keys in self._keys.values():
            await keys.close()


def _unverified(token: str) -> tuple[dict[str, Any], str]:
    """Return a token's header and issuer, which are only good for finding the key to verify it with."""
    import jwt  # noqa: PLC0415 - only servers with issuers need it

    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except Exception:  # noqa: BLE001 - whatever a hostile token raises, a recursion or an overflow included
        raise InvalidApiKeyError("The token is not a JSON Web Token.") from None
    name = claims.get("iss")
    return header, name if isinstance(name, str) else ""


def _verified(token: str, key: Key, algorithm: str, issuer: Issuer, name: str) -> dict[str, Any]:
    import jwt  # noqa: PLC0415 - see above

    if key.get("alg", algorithm) != algorithm:
        raise InvalidApiKeyError("The token's key is not one for the algorithm of its signature.")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(dict(key), algorithm=algorithm),
            algorithms=[algorithm],
            audience=list(issuer.audiences),
            issuer=name,
            leeway=LEEWAY,
            options={"require": _REQUIRED},
        )
    except jwt.ExpiredSignatureError:
        raise InvalidApiKeyError("The token has expired.") from None
    except jwt.ImmatureSignatureError:
        raise InvalidApiKeyError("The token is not valid yet.") from None
    except jwt.InvalidAudienceError:
        raise InvalidApiKeyError("The token is meant for another service (aud).") from None
    except jwt.MissingRequiredClaimError as error:
        raise InvalidApiKeyError(f"The token lacks the claim {error.claim}.") from None
    except Exception:  # noqa: BLE001 - see above
        raise InvalidApiKeyError("The token's signature or content is not valid.") from None
    if issuer.tenant is not None and claims.get("tid") != issuer.tenant:
        raise InvalidApiKeyError("The token's tenant (tid) is not that of its issuer.")
    return claims
