"""Accounts in Cosmos DB, shared by all replicas: one document for each subject, replaced only at a known ETag.

The database must have a single write region: with several, two replicas could both replace the same version.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from application.errors import ConflictError, StoreUnavailableError
from domain.leases import Leases
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_adapter import CosmosAdapter, document_id, indexing_of
from infra.clients.cosmos_container import ContainerSpec
from infra.lease_store.codec import from_json, to_json

T = TypeVar("T")

_ATTEMPTS = 12
_MOST_REMEMBERED = 10_000


class CosmosLeaseStore(CosmosAdapter):
    """One document for each subject. What it was last is remembered, so that a change usually is one request."""

    spec = ContainerSpec("leases", ("/subject",), indexing_of())

    def __init__(self, database: CosmosDatabase) -> None:
        super().__init__(database)
        self._known: dict[str, dict[str, Any]] = {}

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        """Change the accounts of a subject.

        Raises:
            ConflictError: others were faster, time after time.
        """
        for attempt in range(_ATTEMPTS):
            item = self._known.pop(subject, None) or await self._item(subject)
            leases = _leases(subject, item)
            result = work(leases)
            body = {"id": document_id(subject), "subject": subject, **to_json(leases)}
            try:
                etag = await (
                    self._container.create(body) if item is None else self._container.replace(body, item["_etag"])
                )
            except ConflictError:
                # The first retry at once: it usually lost to a single write.
                await asyncio.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311 - spreads retries
                continue
            if len(self._known) < _MOST_REMEMBERED:
                self._known[subject] = body | {"_etag": etag}
            return result
        raise ConflictError(f"the leases of {subject} keep being changed by others")

    async def read(self, subject: str) -> Leases:
        """Return the accounts of a subject; empty ones if there are none."""
        return _leases(subject, await self._item(subject))

    async def subjects(self) -> Sequence[str]:
        """Return every subject that has accounts, in order."""
        rows = await self._container.rows("SELECT c.subject FROM c")
        return sorted(str(row["subject"]) for row in rows)

    async def risk(self) -> str | None:
        """Return a text if the account has several write regions."""
        regions = await self._database.write_regions()
        if len(regions) < 2:  # noqa: PLR2004 - one is as it should be
            return None
        return (
            f"the Cosmos DB account has {len(regions)} write regions ({', '.join(regions)}): replicas in two of them "
            "could spend the same money; give the account a single write region"
        )

    async def _item(self, subject: str) -> dict[str, Any] | None:
        # Not a point read: local servers fail on one of what does not exist.
        query = "SELECT * FROM c WHERE c.subject = @subject AND c.id = @id"
        found = await self._container.rows(query, {"subject": subject, "id": document_id(subject)})
        return found[0] if found else None


def _leases(subject: str, item: dict[str, Any] | None) -> Leases:
    if item is None:
        return Leases()
    try:
        return from_json(item)
    except ValueError as error:
        raise StoreUnavailableError(f"leases of {subject}: {error}") from None
