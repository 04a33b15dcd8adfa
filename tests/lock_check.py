"""``make check``: every line of a ``*.in`` file is pinned in its lock file, with hashes and nothing of this machine."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAIRS = (
    "requirements",
    "requirements-build",
    "requirements-otel",
    "requirements-appinsights",
    "requirements-keyvault",
    "requirements-xlsx",
    "requirements-dev",
    *(f"tests/clients/{name}" for name in ("openai-1", "openai-2", "openai-3", "pip-23", "pip-26")),
)
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def canonical(name: str) -> str:
    """Return a package's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(text: str) -> Iterator[tuple[str, str | None]]:
    """Names in a ``*.in`` file, with the exact version where it demands one."""
    for line in text.splitlines():
        requirement = line.partition("#")[0].strip()
        name = _NAME.match(requirement)
        if name and not requirement.startswith("-"):
            pin = _PIN.match(requirement)
            yield canonical(name[0]), pin["version"] if pin else None


def entries(text: str) -> Iterator[str]:
    """Return the entries of a lock file, each on one line."""
    joined = text.replace("\\\n", " ")
    return (line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#"))


def faults(source: str, lock: str) -> Iterator[str]:
    """Yield the faults of a lock file.

    Args:
        source: the text of the ``*.in`` file.
        lock: the text of the lock file.
    """
    pinned: dict[str, set[str]] = {}
    for entry in entries(lock):
        pin = _PIN.match(entry)
        if pin is None or "://" in entry or entry.startswith(("-", "/", ".")):
            yield f"not a pinned package: {entry[:60]}"
            continue
        if not _HASH.search(entry):
            yield f"{pin['name']} has no hash"
        pinned.setdefault(canonical(pin["name"]), set()).add(pin["version"])
    for name, version in wanted(source):
        if name not in pinned:
            yield f"{name} is not in the lock file: run `make lock`"
        elif version is not None and pinned[name] != {version}:
            yield f"{name} is locked to {', '.join(sorted(pinned[name]))} instead of {version}: run `make lock`"


def main() -> int:
    """Check every pair; 1 where something is wrong."""
    found = [
        f"{pair}.lock: {fault}"
        for pair in PAIRS
        for fault in faults((ROOT / f"{pair}.in").read_text("utf-8"), (ROOT / f"{pair}.lock").read_text("utf-8"))
    ]
    sys.stderr.writelines(f"{line}\n" for line in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
