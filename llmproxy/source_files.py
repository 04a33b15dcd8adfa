"""Changes of source files, for ``serve --reload``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import llmproxy
from llmproxy.settings import DOTENV

_PACKAGES = ("domain", "application", "infra", "llmproxy")


class SourceFiles:
    """Modification times of files, compared with those of the last look.

    Args:
        folders: whose Python, JSON and SQL files are watched.
        files: that are watched, too, whether they exist or not.
    """

    def __init__(self, folders: Iterable[Path], files: Iterable[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._files = tuple(files)
        self._seen = dict(self._times())

    @classmethod
    def of_product(cls) -> SourceFiles:
        """Return those of this package, and ``.env``."""
        root = Path(llmproxy.__file__).parent.parent
        return cls((root / name for name in _PACKAGES), (DOTENV,))

    def changed(self) -> bool:
        """Return whether a file was changed, added or removed since the last look."""
        before, self._seen = self._seen, dict(self._times())
        return self._seen != before

    def _times(self) -> Iterator[tuple[Path, int]]:
        for folder in self._folders:
            for suffix in ("py", "json", "sql"):
                yield from self._times_of(folder.rglob(f"*.{suffix}"))
        yield from self._times_of(self._files)

    @staticmethod
    def _times_of(files: Iterable[Path]) -> Iterator[tuple[Path, int]]:
        for file in files:
            try:
                yield file, file.stat().st_mtime_ns
            except OSError:
                continue
