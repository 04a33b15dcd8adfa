"""Write the bill of materials of the image (CycloneDX 1.5) from the lock files: ``python -m tests.sbom EXTRA ...``."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from tests.lock_check import canonical
from tests.tools import ROOT

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


def bill_of_materials(extras: Sequence[str] = ()) -> dict[str, object]:
    """Return the bill: the product, and every package that its lock files pin.

    Args:
        extras: names of extras, as the build argument ``EXTRAS`` of the image has them.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = {pin for extra in ("", *(f"-{extra}" for extra in extras)) for pin in _pins(f"requirements{extra}.lock")}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": _component("application", project["name"], project["version"])},
        "components": [_component("library", name, version) for name, version in sorted(pins)],
    }


def _pins(lock: str) -> Iterator[tuple[str, str]]:
    for name, version in _PIN.findall((ROOT / lock).read_text("utf-8")):
        yield canonical(name), version


def _component(kind: str, name: str, version: str) -> dict[str, object]:
    purl = f"pkg:pypi/{name}@{version}"
    component: dict[str, object] = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
    licence = _licence(name, version)
    return component | ({"licenses": [{"license": {"name": licence}}]} if licence else {})


def _licence(name: str, version: str) -> str | None:
    """Return the licence of a package that is installed here in this version; None if unknown."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return None
    if found["Version"] != version:
        return None
    classified = [
        text.rpartition(" :: ")[2] for text in found.get_all("Classifier") or () if text.startswith("License")
    ]
    stated = _first(found, "License-Expression") or "; ".join(classified) or _first(found, "License").partition("\n")[0]
    return stated.strip() or None


def _first(found: PackageMetadata, name: str) -> str:
    """Return a field that may be missing; the backport of importlib.metadata raises an error for those."""
    return str((found.get_all(name) or [""])[0])


if __name__ == "__main__":
    json.dump(bill_of_materials(sys.argv[1:]), sys.stdout, indent=1)
    sys.stdout.write("\n")
