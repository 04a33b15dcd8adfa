"""The last catalogue, on this machine's disk, for a start while the store is unavailable. Contains no secret."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from application.ports.catalog_store import CATALOG_KINDS, AllChanges, Changes, Kind, StoredDocument
from domain.documents import exact_json
from domain.documents.values import VARIABLE_NAME

logger = logging.getLogger(__name__)

_FORMAT = 1

_encode = msgspec.json.Encoder(decimal_format="number").encode


class SnapshotFile:
    """Keeps and restores what the store gave last.

    An inline credential in a document, instead of the name of its variable, is left out: after a restart
    from the snapshot that document cannot be called until the store is back. Keys of projects are SHA-256 sums anyway.

    Args:
        path: the file; its folder is made where it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Each as JSON already, so that one change does not cost the encoding of all of them.
        self._entries: dict[Kind, dict[str, msgspec.Raw]] = {kind: {} for kind in CATALOG_KINDS}

    async def keep(self, changes: AllChanges) -> None:
        """Replace the snapshot, in one step. A disk that is full or read-only is logged and costs nothing else."""
        await asyncio.to_thread(self._write, changes)

    async def restore(self) -> tuple[AllChanges, float] | None:
        """Read the last catalogue and its time (POSIX seconds); None if absent or unreadable."""
        return await asyncio.to_thread(self._read)

    def _write(self, changes: AllChanges) -> None:
        for kind, entries in self._entries.items():
            for gone in changes[kind].gone:
                entries.pop(gone, None)
            for document in changes[kind].documents:
                entries[document.id] = msgspec.Raw(_encode(_entry(document)))
        documents = {kind.value: list(entries.values()) for kind, entries in self._entries.items()}
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, for its mode
                file.write(_encode({"format": _FORMAT, "documents": documents}))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except (OSError, ValueError) as error:
            logger.warning("the catalogue snapshot could not be written", extra={"reason": type(error).__name__})
            with contextlib.suppress(OSError):
                beside.unlink()

    def _read(self) -> tuple[AllChanges, float] | None:
        try:
            kept_at = self._path.stat().st_mtime
            content = exact_json.decode(self._path.read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            return None
        try:
            documents = content["documents"]
            kept = {kind: Changes([_restored(one) for one in documents[kind.value]]) for kind in CATALOG_KINDS}
        except (KeyError, TypeError):
            return None
        return kept, kept_at


def _entry(document: StoredDocument) -> dict[str, object]:
    return {"id": document.id, "version": document.version, "body": _without_credentials(document.body)}


def _restored(entry: Mapping[str, object]) -> StoredDocument:
    # Not the version of the store: what was left out makes it another document, to be read again later.
    return StoredDocument(str(entry["id"]), entry["body"], f"snapshot {entry['version']}")


def _without_credentials(body: object) -> object:
    parameters = body.get("parameters") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(parameters, dict):
        return body
    key = parameters.get("api_key")
    if key is None or (isinstance(key, str) and VARIABLE_NAME.fullmatch(key)):
        return body
    return body | {"parameters": {name: value for name, value in parameters.items() if name != "api_key"}}
