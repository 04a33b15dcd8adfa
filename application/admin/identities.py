"""Authentication of administrators: by keys of documents that are followed in the background, and in other ways.

No request waits for the store: a new key works, and a revoked one is refused, a few seconds after the change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from hmac import compare_digest

from application.admin.administrators import FIRST_ADMINISTRATOR
from application.errors import StoreUnavailableError
from application.ports.catalog_store import CatalogStore, Kind
from application.serving.document_cache import DocumentCache
from domain.administrators import Administrator
from domain.api_key import ApiKey, fingerprint
from domain.documents import read_administrator

logger = logging.getLogger(__name__)

Identify = Callable[[str], Awaitable[Administrator | None]]
"""Find the administrator that a credential (a key, a token) belongs to; None if it is of none.

It must not raise because of the credential, whatever it is, and must not wait for a store.
"""


class AdministratorKeys:
    """Administrators by their keys, followed in the background.

    Args:
        store: holds the documents.
        now: returns the time, aware.
        first_key: ``LLMPROXY_ADMIN_KEY``, of an administrator with the role admin; None if there is none.
        keep_first_key: accept it even though there are administrators in the store.
    """

    def __init__(
        self,
        store: CatalogStore,
        now: Callable[[], datetime],
        first_key: str | None = None,
        *,
        keep_first_key: bool = False,
    ) -> None:
        self._store = store
        self._now = now
        self._first_key = first_key
        self._keep_first_key = keep_first_key
        self._documents = DocumentCache(Kind.ADMINISTRATOR, read_administrator)
        self._keys: dict[str, tuple[Administrator, ApiKey]] = {}
        self._turn = asyncio.Lock()
        self.failure: str | None = None
        """Why the last read of the store failed; None if it succeeded."""

    def authenticate(self, key: str) -> Administrator | None:
        """Return the administrator whose usable key this is; None if there is none."""
        found = self._keys.get(fingerprint(key))
        if found is not None:
            administrator, known = found
            return administrator if administrator.key_usable_at(known, self._now()) else None
        # Any document counts, also one with errors. Before the first read nothing is known: the operator has to get in.
        if self._first_key is None or (self._documents.versions and not self._keep_first_key):
            return None
        presented = key.encode("utf-8", "surrogatepass")
        return FIRST_ADMINISTRATOR if compare_digest(presented, self._first_key.encode()) else None

    async def identify(self, credential: str) -> Administrator | None:
        """Do the same, as an :data:`Identify`."""
        return self.authenticate(credential)

    async def refresh(self) -> None:
        """Read what changed.

        Raises:
            StoreUnavailableError: the store is unavailable; what is known stays.
        """
        async with self._turn:  # two at once could put an older version in the place of a newer one
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            changes = await self._store.changes(Kind.ADMINISTRATOR, self._documents.versions)
        except StoreUnavailableError as error:
            self.failure = str(error)
            raise
        if changes.documents or changes.gone:
            await self._documents.take(changes)
            # An earlier version of a document that has errors now does not stay: it may have a key that was revoked.
            for document_id in self._documents.left_out:
                self._documents.entities.pop(document_id, None)
            self._keys = {key.sha256: (one, key) for one in self._documents.entities.values() for key in one.keys}
        self.failure = None

    async def follow(self, interval: float, random: Callable[[], float]) -> None:
        """Refresh forever; arguments as for ``CatalogView.follow``, which logs when the store is unavailable."""
        while True:
            await asyncio.sleep(interval * (0.75 + random() / 2))
            try:
                await self.refresh()
            except StoreUnavailableError:
                continue
            except Exception as error:  # noqa: BLE001 - this task must outlive any fault
                logger.error("administrators could not be read", extra={"reason": type(error).__name__})  # noqa: TRY400 - no traceback: it may quote a document


def first_match(*identities: Identify) -> Identify:
    """Return the identities as one: the first that finds an administrator decides."""

    async def identify(credential: str) -> Administrator | None:
        for one in identities:
            found = await one(credential)
            if found is not None:
                return found
        return None

    return identify
