"""From the key that a caller presents to who is calling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.api_key import fingerprint
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
    if not project.enabled:
        raise InvalidApiKeyError("The project of this API key is disabled.")
    if known.revoked_at is not None:
        raise InvalidApiKeyError("This API key has been revoked.")
    if known.expires_at is not None and not known.usable_at(now()):
        raise InvalidApiKeyError("This API key has expired.")
    return Caller(project, known.id)


def everybody(catalog: Catalog) -> Caller:
    """Who calls where authentication is switched off: project ``default``."""
    return Caller(catalog.projects.get(DEFAULT_PROJECT.id, DEFAULT_PROJECT), key_id="")
