"""Find the project and key that a call belongs to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.api_key import ApiKey, fingerprint
from domain.catalog import Catalog
from domain.errors import InvalidApiKeyError
from domain.project import Caller, Project

DEFAULT_PROJECT = Project(id="default", name="default")
"""The project of every caller where authentication is off and no project document ``default`` exists."""


def authenticate(key: str | None, catalog: Catalog, now: Callable[[], datetime]) -> Caller:
    """Find the project that a key belongs to.

    Raises:
        InvalidApiKeyError: the key is missing, unknown, expired, revoked or of a disabled project. The message tells
            which, except to callers who guess keys.
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
    """Return why a known key of a project is refused, for callers; None if it is accepted."""
    if not project.enabled:
        return "The project of this API key is disabled."
    if key.revoked_at is not None:
        return "This API key has been revoked."
    if key.expires_at is not None and not key.usable_at(now()):
        return "This API key has expired."
    return None


def everybody(catalog: Catalog) -> Caller:
    """Return the caller where authentication is off: project ``default``."""
    return Caller(catalog.projects.get(DEFAULT_PROJECT.id, DEFAULT_PROJECT), key_id="")
