"""The templates of ``deploy/azure``, judged without Azure: syntax, references, settings, containers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from lark.exceptions import UnexpectedInput
from pycep import BicepParser

from llmproxy.settings import OTHER_CONTAINERS, Settings
from tests.tools import ROOT

FOLDER = ROOT / "deploy" / "azure"
TEXT = (FOLDER / "main.bicep").read_text("utf-8")
TEMPLATE: dict[str, Any] = dict(BicepParser().parse(text=TEXT))
ACI: dict[str, Any] = yaml.safe_load((FOLDER / "aci.yaml").read_text("utf-8"))
NOT_OURS = {"AZURE_CLIENT_ID", "OPENAI_API_KEY"}
"""Variables of azure-identity and of model documents."""
SECRET = re.compile(r"_KEY$|_SECRET$|_CONNECTION_STRING$")


def values(node: Any, key: str) -> Iterator[Any]:
    """Yield the values of a member, wherever it stands."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from values(value, key)


def variables(node: Any) -> dict[str, dict[str, Any]]:
    """Return the environment of a container."""
    rows = [row for key in ("env", "environmentVariables") for found in values(node, key) for row in found]
    assert rows
    return {row["name"]: row for row in rows}


def environments() -> dict[str, dict[str, dict[str, Any]]]:
    resources = TEMPLATE["resources"]
    return {
        name: variables(node)
        for name, node in (("app", resources["app"]), ("group", resources["group"]), ("aci.yaml", ACI))
    }


@pytest.mark.parametrize(
    "broken", [TEXT.replace("param image string", "param image", 1), TEXT.rpartition("}")[0]], ids=["a type", "a brace"]
)
def test_a_broken_template_is_found(broken: str) -> None:
    with pytest.raises(UnexpectedInput):
        BicepParser().parse(text=broken)


def test_what_is_named_is_declared_and_what_is_declared_is_used() -> None:
    declared = {name for kind in ("parameters", "variables", "resources") for name in TEMPLATE[kind]}
    code = re.sub(r"//.*|'(?:[^'$]|\$(?!\{))*'", "", re.sub(r"\$\{([^}]*)\}", r"' + \1 + '", TEXT))
    used = {name for name in declared if len(re.findall(rf"\b{name}\b", code)) > 1}
    assert declared - used == set()
    roots = set(re.findall(r"(?<![.\w])([a-z]\w*)\.(?:id|name|properties|listKeys)\b", code))
    assert roots - {"container", "target"} <= declared, "loops name their own variables"
    dependencies = [name for names in values(TEMPLATE["resources"], "dependsOn") for name in names]
    assert dependencies
    assert set(dependencies) <= TEMPLATE["resources"].keys()


def test_the_parameters_that_are_needed_are_in_the_file_of_parameters() -> None:
    given = set(re.findall(r"^param (\w+) =", (FOLDER / "main.bicepparam").read_text("utf-8"), re.MULTILINE))
    assert {name for name, row in TEMPLATE["parameters"].items() if row.get("default") is None} == given
    for name in ("adminKey", "signingKey"):
        assert {"type": "secure"} in TEMPLATE["parameters"][name]["decorators"]


def test_every_variable_of_containers_is_a_setting_and_no_secret_is_in_plain_sight() -> None:
    for where, found in environments().items():
        for name, row in found.items():
            assert name in NOT_OURS or name.lower() in Settings.model_fields, where
            assert bool(SECRET.search(name)) == ("value" not in row), f"{where}: {name}"


def test_both_hosts_get_the_same_settings() -> None:
    found = environments()
    assert found["app"].keys() - {"LLMPROXY_DRAIN_DELAY"} == found["group"].keys()
    assert found["aci.yaml"].keys() <= found["group"].keys() | NOT_OURS


def test_the_containers_are_those_of_the_stores() -> None:
    table = re.findall(
        r"^\| `(\w+)`[^|]*\| (`/.+?`) ?(?:\(.*?\))? \|", (ROOT / "docs" / "cosmos.md").read_text("utf-8"), re.MULTILINE
    )
    documented = {name: re.findall(r"`([^`]+)`", keys) for name, keys in table}
    made = {row["name"]: row["paths"] for row in TEMPLATE["variables"]["containers"]["value"]}
    assert made == documented
    assert made.keys() - {"models"} == set(OTHER_CONTAINERS)


def test_the_app_has_time_to_drain() -> None:
    app = TEMPLATE["resources"]["app"]
    (seconds,) = values(app, "terminationGracePeriodSeconds")
    delay = float(variables(app)["LLMPROXY_DRAIN_DELAY"]["value"])
    assert seconds >= delay + Settings.model_fields["llmproxy_drain_seconds"].default + 20


def test_the_file_of_a_container_instance_has_the_members_of_the_template() -> None:
    template = next(values(TEMPLATE["resources"]["group"], "properties"))
    assert ACI["type"] == TEMPLATE["resources"]["group"]["type"]
    assert ACI["apiVersion"] == TEMPLATE["resources"]["group"]["api_version"]
    assert ACI["properties"].keys() - {"imageRegistryCredentials"} <= template.keys()
    (ours,), (theirs,) = ACI["properties"]["containers"], template["containers"]
    assert ours["properties"].keys() == theirs["properties"].keys()
    for probe in ("livenessProbe", "readinessProbe"):
        assert ours["properties"][probe] == theirs["properties"][probe]
