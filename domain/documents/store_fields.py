"""What a store writes into a document for itself, which is nobody's to set or to compare."""

from __future__ import annotations

from collections.abc import Mapping

STORE_MEMBERS = frozenset({"_rid", "_self", "_etag", "_ts", "_attachments"})
"""What Cosmos DB adds to every document."""


def without_bookkeeping(body: Mapping[str, object]) -> dict[str, object]:
    """The body without the members that are the store's own."""
    return {name: value for name, value in body.items() if name not in STORE_MEMBERS}
