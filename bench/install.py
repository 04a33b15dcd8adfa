"""The other gateways, each in a virtualenv of its own below ``.cache/bench``, from hash-pinned requirements."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import venv
from pathlib import Path

from bench.processes import ROOT

CACHE = ROOT / ".cache" / "bench"
HERE = Path(__file__).resolve().parent


class NotAvailableError(Exception):
    """A gateway cannot be run on this machine; the message says why."""


def virtualenv(name: str) -> Path:
    """Return the ``bin`` folder of a virtualenv with the packages of ``bench/NAME.lock``, current.

    Raises:
        NotAvailableError: it could not be installed.
    """
    lock = HERE / f"{name}.lock"
    folder = CACHE / name
    stamp = folder / "installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {name} (once) ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--require-hashes", "--no-deps", "--requirement", str(lock)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            message = f"{name} could not be installed: {done.stderr.strip().splitlines()[-1:]}"
            raise NotAvailableError(message)
        stamp.write_text(wanted)
    return folder / "bin"


def locked_version(name: str, package: str) -> str:
    """Return the version of a package in ``bench/NAME.lock``."""
    found = re.search(rf"^{package}==(\S+)", (HERE / f"{name}.lock").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def program(name: str) -> str:
    """Return the path of an installed program.

    Raises:
        NotAvailableError: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        message = f"{name} is not installed (Debian: apt-get install {name})"
        raise NotAvailableError(message)
    return found
