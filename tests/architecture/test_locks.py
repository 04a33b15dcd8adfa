"""Lock files are closed: installing one resolves nothing, whatever has been released since it was written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lock_check import PAIRS, entries
from tests.tools import CLIENTS, ROOT, missing

NEWER = "9999.0"
"""The version of the made-up releases."""
INSTALLS = ("Makefile", "Dockerfile", "bench/install.py")
ENVIRONMENT = (
    "requirements",
    "requirements-build",
    "requirements-otel",
    "requirements-appinsights",
    "requirements-keyvault",
    "requirements-xlsx",
    "requirements-dev",
)
"""Locks that are installed into one environment."""


def pinned(pair: str) -> dict[str, Requirement]:
    """Read the pins of a lock file that apply to this platform, by name."""
    lines = (entry.partition(" --hash")[0] for entry in entries((ROOT / f"{pair}.lock").read_text("utf-8")))
    pins = [Requirement(line) for line in lines]
    return {canonicalize_name(pin.name): pin for pin in pins if pin.marker is None or pin.marker.evaluate()}


def unmet(pins: dict[str, Requirement], installed: Iterable[Distribution]) -> list[str]:
    """List the requirements of installed packages, extras included, that no pin of the lock satisfies."""
    found = []
    for distribution in installed:
        name = canonicalize_name(distribution.metadata["Name"])
        if name not in pins:
            continue
        extras = pins[name].extras or {""}
        for text in distribution.requires or ():
            needed = Requirement(text)
            if needed.marker is not None and not any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                continue
            pin = pins.get(canonicalize_name(needed.name))
            version = next(iter(pin.specifier)).version if pin is not None else None
            if pin is None or not needed.extras <= pin.extras or not needed.specifier.contains(version or ""):
                found.append(f"{name} needs {text}")
    return found


@pytest.fixture(scope="module")
def newer_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a folder of wheels: for each locked package a release that is newer than the locked one."""
    folder = tmp_path_factory.mktemp("newer")
    for name in {name for pair in PAIRS for name in pinned(pair)}:
        stem = f"{name.replace('-', '_')}-{NEWER}"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\n")
            wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return folder


@pytest.fixture(params=["pip-23", "pip-26"])
def pip(request: pytest.FixtureRequest) -> Path:
    folder: Path = CLIENTS / request.param
    return folder if folder.is_dir() else missing(f"{request.param} is not installed: run `make test`")


def dry_run(pip: Path, *arguments: str | Path) -> str:
    """Ask a pip what it would install into the environment of the tests."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-input", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(pip), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("pair", ENVIRONMENT)
def test_newer_releases_change_nothing(pip: Path, newer_releases: Path, pair: str) -> None:
    said = dry_run(pip, "--no-deps", "--require-hashes", "--find-links", newer_releases, "-r", f"{pair}.lock")
    assert "Would install" not in said


def test_the_newer_releases_are_found_when_pip_resolves(pip: Path, newer_releases: Path) -> None:
    said = dry_run(pip, "--no-deps", "--upgrade", "--no-index", "--find-links", newer_releases, "click")
    assert f"Would install click-{NEWER}" in said


def test_every_install_from_a_lock_resolves_nothing() -> None:
    for name in INSTALLS:
        lines = (ROOT / name).read_text("utf-8").replace("\\\n", " ").splitlines()
        installs = [line for line in lines if re.search(r"install\b.* -r |--requirement", line)]
        assert installs, f"{name} installs from no lock file"
        assert [each for each in installs if "--no-deps" not in each or "--require-hashes" not in each] == []


def test_the_environment_is_closed() -> None:
    pins: dict[str, Requirement] = {}
    for pair in ENVIRONMENT:
        for name, pin in pinned(pair).items():
            both = pins.setdefault(name, pin)
            both.extras |= pin.extras
    assert unmet(pins, distributions()) == []


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in ENVIRONMENT])
def test_isolated_installations_are_closed(pair: str) -> None:
    folder = CLIENTS / Path(pair).name
    if not folder.is_dir():
        missing(f"{folder.name} is not installed: run `make test`")
    assert unmet(pinned(pair), distributions(path=[str(folder)])) == []


def test_a_pin_without_its_extra_is_unmet() -> None:
    pins = {name: Requirement(f"{name}==1.0") for name in ("pytest-cov", "pytest", "pluggy")} | {
        "coverage": Requirement("coverage==7.17.3")
    }
    found = unmet(pins, [each for each in distributions() if each.metadata["Name"] == "pytest-cov"])
    assert any("coverage[toml]" in each for each in found)
