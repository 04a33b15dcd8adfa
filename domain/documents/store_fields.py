"""Members that a store adds to documents for itself. They are neither set nor compared."""

from __future__ import annotations

from collections.abc import Mapping

STORE_MEMBERS = frozenset({"_rid", "_self", "_etag", "_ts", "_attachments"})
"""Members that Cosmos DB adds to every document."""


def without_bookkeeping(body: Mapping[str, object]) -> dict[str, object]:
    """Return the body without the members that belong to the store."""
    return {name: value for name, value in body.items() if name not in STORE_MEMBERS}
