"""Find the project that a caller with a token of another service belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.api_key import fingerprint
from domain.catalog import Catalog
from domain.errors import InvalidApiKeyError
from domain.identity import Principal
from domain.project import Caller

TOKEN_BEGIN = "eyJ"  # noqa: S105 - no password: what every JSON Web Token begins with, ``{"`` in Base64
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Content of a valid token.

    Args:
        principal: the caller.
        expires_at: POSIX seconds from which on it is refused.
        still_trusted: returns false once the issuer has withdrawn the key that signed it.
    """

    principal: Principal
    expires_at: float
    still_trusted: Callable[[], bool]


Verify = Callable[[str], Awaitable[VerifiedToken]]
"""Verifies a token; raises ``InvalidApiKeyError``, or ``UnavailableError`` while the keys of its issuer are unknown."""


@dataclass(slots=True)
class _Remembered:
    """A verified token, and the caller that it meant when it was last used."""

    token: VerifiedToken
    snapshot: int = 0
    project_id: str | None = None
    caller: Caller | None = None


class TokenCallers:
    """Callers by their tokens. A verified token is remembered by its SHA-256 until it expires.

    Args:
        verify: verifies tokens.
        time: POSIX seconds.
    """

    def __init__(self, verify: Verify, time: Callable[[], float]) -> None:
        self._verify = verify
        self._time = time
        self._catalog: Catalog | None = None
        self._snapshot = 0
        """Number of the catalogue: tokens that are not used any more must not keep old ones in memory."""
        self._remembered: dict[str, _Remembered] = {}

    async def principal(self, token: str) -> Principal:
        """Return the principal of a token, for what does not concern projects.

        Raises:
            InvalidApiKeyError: the token is not valid.
            UnavailableError: it cannot be verified now.
        """
        return (await self._known(token)).token.principal

    async def caller(self, token: str, catalog: Catalog, project_id: str | None) -> Caller:
        """Return the caller of a token.

        Args:
            token: as it arrived.
            catalog: the current snapshot.
            project_id: the project that the caller names; None if it names none.

        Raises:
            InvalidApiKeyError: the token is not valid, or does not belong to one enabled project.
            UnavailableError: it cannot be verified now.
        """
        known = await self._known(token)
        if self._catalog is not catalog:
            self._catalog = catalog
            self._snapshot += 1
        if known.snapshot != self._snapshot or known.project_id != project_id or known.caller is None:
            known.caller = None  # a refusal must not leave the caller of an earlier catalogue
            known.caller = _resolve(known.token.principal, catalog, project_id)
            known.snapshot, known.project_id = self._snapshot, project_id
        return known.caller

    async def _known(self, token: str) -> _Remembered:
        digest = fingerprint(token)
        known = self._remembered.get(digest)
        if known is not None:
            if self._time() < known.token.expires_at and known.token.still_trusted():
                return known
            del self._remembered[digest]
        known = _Remembered(await self._verify(token))
        while len(self._remembered) >= _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = known
        return known


def _resolve(principal: Principal, catalog: Catalog, project_id: str | None) -> Caller:
    found = sorted({each for identity in principal.identities() for each in catalog.identities.get(identity, ())})
    if not found:
        raise InvalidApiKeyError(
            f"The identity {principal.label} of issuer {principal.issuer} belongs to no project: it must be listed in"
            " the member 'identities' of one."
        )
    if project_id is None and len(found) > 1:
        raise InvalidApiKeyError(
            "The identity of this token belongs to several projects: name one in the header x-llmproxy-project."
        )
    if project_id is not None and project_id not in found:
        raise InvalidApiKeyError("The identity of this token does not belong to the project of x-llmproxy-project.")
    project = catalog.projects[project_id or found[0]]
    if not project.enabled:
        raise InvalidApiKeyError("The project of this token is disabled.")
    return Caller(project, principal.label)
