"""The bill of materials names what the lock files pin, and nothing twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.sbom import bill_of_materials
from tests.tools import ROOT


def components(*extras: str) -> dict[str, dict[str, Any]]:
    bill: Any = bill_of_materials(extras)
    found = bill["components"]
    by_purl = {component["purl"]: component for component in found}
    assert len(by_purl) == len(found)
    return by_purl


def test_every_pin_of_the_lock_is_a_component_with_a_package_address() -> None:
    pins = re.findall(
        r"^([a-z0-9-]+)(?:\[.*?\])?==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE
    )
    assert len(pins) > 50
    assert components().keys() == {f"pkg:pypi/{name}@{version}" for name, version in pins}
    litellm = next(each for each in components().values() if each["name"] == "litellm")
    assert litellm["licenses"] == [{"license": {"name": "MIT"}}]


def test_extras_add_their_packages() -> None:
    assert components().keys() < components("otel").keys() < components("otel", "keyvault").keys()


def test_the_command_writes_cyclonedx() -> None:
    text = subprocess.run(
        [sys.executable, "-m", "tests.sbom", "otel"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert bill["metadata"]["component"]["name"] == "llmproxy"
    assert bill == json.loads(json.dumps(bill_of_materials(["otel"])))
