"""From the key that a caller presents to who is calling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.api_key import ApiKey, fingerprint
from domain.catalog import Catalog
from domain.errors import InvalidApiKeyError
from domain.project import Caller, Project

DEFAULT_PROJECT = Project(id="default", name="default")
"""Who everybody is where authentication is switched off and no project document ``default`` exists."""


def authenticate(key: str | None, catalog: Catalog, now: Callable[[], datetime]) -> Caller:
    """Find the project that a key belongs to.

    Raises:
        InvalidApiKeyError: no key, or one that is unknown, expired, revoked or of a project that is switched off. The
            caller learns which only where that tells nothing to somebody who merely guesses.
    """
    if not key:
        raise InvalidApiKeyError(
            "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY', 'X-API-Key' or 'api-key'."
        )
    found = catalog.keys.get(fingerprint(key))
    if found is None:
        raise InvalidApiKeyError("Incorrect API key provided.")
    project, known = found
    refusal = refused_because(project, known, now)
    if refusal is not None:
        raise InvalidApiKeyError(refusal)
    return Caller(project, known.id)


def refused_because(project: Project, key: ApiKey, now: Callable[[], datetime]) -> str | None:
    """Why a known key of a project opens nothing, for callers; ``None`` = it does."""
    if not project.enabled:
        return "The project of this API key is disabled."
    if key.revoked_at is not None:
        return "This API key has been revoked."
    if key.expires_at is not None and not key.usable_at(now()):
        return "This API key has expired."
    return None


def everybody(catalog: Catalog) -> Caller:
    """Who calls where authentication is switched off: project ``default``."""
    return Caller(catalog.projects.get(DEFAULT_PROJECT.id, DEFAULT_PROJECT), key_id="")
