"""A backup as a folder: gzip files with a line of JSON each, and a manifest with their digests."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from application.admin.backup import FILES, FORMAT

MANIFEST = "manifest.json"


class BackupError(Exception):
    """A folder is not a backup that can be used. The message says why."""


class NewBackup:
    """A backup that is being written, into a folder beside its place; ``finish`` puts it there.

    Args:
        folder: its place, which must not exist, or be empty.

    Raises:
        BackupError: there is something.
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BackupError(f"{folder} exists already and is not an empty folder")
        self._place = folder
        self._folder = folder.with_name(f"{folder.name}.partial")
        self._folder.mkdir(mode=0o700, parents=True)
        self._files = {name: self._open(name) for name in FILES}
        self._counts = dict.fromkeys(FILES, 0)

    def add(self, name: str, line: bytes) -> None:
        """Add a line to a file; see ``BackupFiles``."""
        self._files[name].write(line + b"\n")
        self._counts[name] += 1

    def finish(self, facts: Mapping[str, object]) -> None:
        """Write the manifest, read everything again, and put the folder in its place.

        Raises:
            BackupError: what was read is not what was written.
        """
        for file in self._files.values():
            file.close()
        files = {
            name: {"lines": self._counts[name], "sha256": _digest(self._folder / f"{name}.jsonl.gz")} for name in FILES
        }
        manifest = {"format": FORMAT, **facts, "files": files}
        with _private(self._folder / MANIFEST) as file:
            file.write(json.dumps(manifest, indent=2).encode() + b"\n")
        ExistingBackup(self._folder).verify()
        if self._place.is_dir():
            self._place.rmdir()
        self._folder.rename(self._place)

    def abandon(self) -> None:
        """Remove what was written of a backup that failed."""
        for file in self._files.values():
            file.close()
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()

    def _open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, gzip.GzipFile(fileobj=_private(self._folder / f"{name}.jsonl.gz"), mode="wb", mtime=0))


class ExistingBackup:
    """A backup to read.

    Args:
        folder: where it is.

    Raises:
        BackupError: it has no manifest of a format that this version reads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            self.files: Mapping[str, Mapping[str, Any]] = manifest["files"]
            written = manifest["format"]
        except (OSError, ValueError, KeyError, TypeError):
            raise BackupError(f"{folder} is not a backup: expected a valid {MANIFEST} in it") from None
        if written != FORMAT:
            raise BackupError(f"{folder} has format {written}; this version reads format {FORMAT}")

    def verify(self) -> None:
        """Check that every file is what was written.

        Raises:
            BackupError: one is not.
        """
        for name in FILES:
            path = self._folder / f"{name}.jsonl.gz"
            if not path.is_file() or _digest(path) != self.files.get(name, {}).get("sha256"):
                raise BackupError(f"{path.name} is missing or was changed: its digest is not that of the manifest")
            if sum(1 for _ in self.lines(name)) != self.files[name]["lines"]:
                raise BackupError(f"{path.name} does not have as many lines as were written")

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file; see ``BackedUpFiles``."""
        with gzip.open(self._folder / f"{name}.jsonl.gz") as file:
            yield from file


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
