"""A script: imports every module of ours and fails where one does more than define things.

Run by ``test_imports.py`` in a process of its own, because what is imported stays imported.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "application", "infra", "llmproxy")
OURS = tuple(f"{ROOT / package}{os.sep}" for package in PACKAGES)
FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "sqlite3.connect"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def modules() -> list[str]:
    """Their names, ``__main__`` left out: importing that one means running."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] != "__main__":
                found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse the network, other processes, databases and writing."""
    if event in FORBIDDEN:
        raise RuntimeError(f"{event} while importing")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        raise RuntimeError(f"{arguments[0]} is opened for writing while importing")


class Watched(type(os.environ)):  # type: ignore[misc]
    """The environment, closed to the top level of our modules."""

    def __getitem__(self, key: str) -> str:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.startswith(("<frozen", os.__file__)):
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(OURS):
            raise RuntimeError(f"{key} is read from the environment while importing")
        value: str = super().__getitem__(key)
        return value


def main() -> None:
    """Import, then look at what is left behind."""
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = True
    before = dict(os.environ)
    handlers, threads = list(logging.root.handlers), threading.active_count()
    sys.addaudithook(audit)
    os.environ.__class__ = Watched
    names = modules()
    for name in names:
        importlib.import_module(name)
    os.environ.__class__ = Watched.__base__
    assert dict(os.environ) == before, "the environment was changed"
    assert logging.root.handlers == handlers, "logging was set up"
    assert threading.active_count() == threads, "a thread was started"
    assert "litellm" not in sys.modules, "litellm was imported, which takes seconds and reaches for the network"
    assert "openai" not in sys.modules, "a vendor's SDK was imported"
    sys.stdout.write(f"{len(names)}\n")


if __name__ == "__main__":
    main()
