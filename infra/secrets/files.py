"""Adapter of the port ``secrets``: files, as Docker and Kubernetes mount them, read again when they change."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from application.ports.secrets import SecretVersion

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_LARGEST = 64 * 1024
_MOST_NAMES = 1_000
_NEVER = frozenset(
    {
        "AWS_CONFIG",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_SHARED_CREDENTIALS",
        "AWS_WEB_IDENTITY_TOKEN",
        "AZURE_FEDERATED_TOKEN",
        "PYTHON_HISTORY",
    }
)
"""Names whose ``_FILE`` variable belongs to the machine's identity or to another program, not to documents."""

_Stamp = tuple[int, int, int]
"""Time of change, size and inode: Kubernetes replaces a file by another one."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    value: str = field(repr=False)
    stamp: _Stamp


class FileSecrets:
    """Secrets of files: ``OPENAI_API_KEY`` is in the file that ``OPENAI_API_KEY_FILE`` names, or in one of that name.

    Args:
        environment: variables whose names end in ``_FILE``.
        folder: of files that are named like the secrets.
    """

    interval = 2.0

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._files: dict[str, _File | None] = {}
        self.failure: str | None = None

    def get(self, name: str) -> str | None:
        """Return the content of a file without the line break at its end; see the port."""
        if name not in self._files:
            if len(self._files) >= _MOST_NAMES or not _NAME.fullmatch(name):
                return None
            self._files[name] = self._read(name)
        found = self._files[name]
        return None if found is None else found.value

    async def refresh(self) -> bool:
        """Read files again that changed; see the port."""
        self.failure = None
        changed = await asyncio.to_thread(self._changes)
        self._files |= changed
        return bool(changed)

    def versions(self) -> Sequence[SecretVersion]:
        """Return the files that were read; see the port."""
        return [
            SecretVersion(name, "file", "", found.stamp[0] / 1e9)
            for name, found in sorted(self._files.items())
            if found is not None
        ]

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    def _changes(self) -> dict[str, _File | None]:
        changes: dict[str, _File | None] = {}
        for name, known in list(self._files.items()):
            found = self._read(name, known)
            if (found and found.value) != (known and known.value):
                changes[name] = found
        return changes

    def _read(self, name: str, known: _File | None = None) -> _File | None:
        for path in self._paths(name):
            try:
                state = path.stat()
                stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
                if known is not None and known.path == path and known.stamp == stamp:
                    return known
                if not path.is_file():
                    continue
                if state.st_size > _LARGEST:
                    self._failed(f"the file of the secret {name} is larger than {_LARGEST:,} bytes")
                    continue
                value = path.read_text("utf-8").strip("\r\n")
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                self._failed(f"the file of the secret {name} cannot be read: {type(error).__name__}")
                return known
            if value:
                return _File(path, value, stamp)
        return None

    def _failed(self, reason: str) -> None:
        if reason != self.failure:
            logger.warning("a secret cannot be read", extra={"reason": reason})
        self.failure = reason

    def _paths(self, name: str) -> list[Path]:
        spellings = dict.fromkeys((name, name.replace("-", "_")))
        named = (self._environment.get(f"{each}_FILE") for each in spellings if each.upper() not in _NEVER)
        return [*(Path(each) for each in named if each), *(self._folder / each for each in spellings)]
