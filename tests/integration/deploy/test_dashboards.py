"""The dashboards of ``deploy/grafana``, type-checked against the schema that Grafana publishes."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.tools import NODE_PACKAGES, ROOT, require_node_package

DASHBOARDS = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "deploy" / "grafana").glob("*.json")}
KINDS = {"timeseries": ("TimeSeries", "FieldConfig"), "stat": ("Stat", "Record<string, never>")}
"""Kinds of panels: the name of the module with their types, and the type of their own field options."""
COMPOSABLE = "@grafana/schema/dist/esm/raw/composable"

# Enumerations of text are plain text in JSON, and options that are left out have defaults.
HEAD = """\
import type {{ Dashboard, Panel, VariableModel }} from "@grafana/schema";
{imports}
type Json<T> = T extends string ? `${{T}}` : T extends object ? {{ [K in keyof T]: Json<T[K]> }} : T;
export const dashboard: Json<Dashboard> = {board};
export const variables: Json<VariableModel>[] = {variables};
"""
PANEL = """\
export const panel{number}: Json<Panel<Partial<{kind}.Options>, {fields}>> = {panel};
export const options{number}: Json<Partial<{kind}.Options>> = {options};
"""


def module(board: Mapping[str, Any]) -> str:
    """Return a module of TypeScript that is correct exactly if the dashboard is."""
    imports = "\n".join(
        f'import type * as {kind} from "{COMPOSABLE}/{kind}/panelcfg/x/{name}PanelCfg_types.gen";'
        for kind, (name, _) in KINDS.items()
    )
    text = HEAD.format(
        imports=imports, board=json.dumps(board), variables=json.dumps(board.get("templating", {}).get("list", []))
    )
    for number, panel in enumerate(board["panels"]):
        kind = panel["type"]
        fields = KINDS[kind][1].replace("FieldConfig", f"{kind}.FieldConfig")
        shown, options = json.dumps(panel), json.dumps(panel.get("options", {}))
        text += PANEL.format(number=number, kind=kind, fields=fields, panel=shown, options=options)
    return text


def errors(folder: Path, boards: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return what TypeScript's compiler says against each dashboard."""
    node = require_node_package("typescript")
    require_node_package("@grafana/schema")
    (folder / "node_modules").symlink_to(NODE_PACKAGES)
    for name, board in boards.items():
        (folder / f"{name}.ts").write_text(module(board), "utf-8")
    compiler = [node, str(NODE_PACKAGES / "typescript" / "bin" / "tsc"), "--noEmit", "--strict", "--skipLibCheck"]
    options = ["--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"]
    command = [*compiler, *options, *(f"{name}.ts" for name in boards)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - a tool
    found: dict[str, list[str]] = {name: [] for name in boards}
    lines = re.findall(r"^(\w+)\.ts\(\d+,\d+\): (error .*)$", result.stdout, re.MULTILINE)
    assert bool(lines) == (result.returncode != 0), result.stdout + result.stderr
    for name, message in lines:
        found[name].append(message)
    return found


def broken() -> dict[str, dict[str, Any]]:
    """Return dashboards with one fault each, by name."""
    sound = next(
        board for board in DASHBOARDS.values() if {"stat", "timeseries"} <= {p["type"] for p in board["panels"]}
    )
    made = {}
    for name, path, value in (
        ("unknown_member", ("panel",), []),
        ("type_of_a_member", ("schemaVersion",), "39"),
        ("place_of_a_panel", ("panels", 0, "gridPos", "width"), 12),
        ("unit_of_a_panel", ("panels", 0, "fieldConfig", "defaults", "unit"), 3),
        ("option_of_a_kind", ("panels", 0, "options", "colorMode"), "value"),
        ("value_of_an_option", ("panels", 0, "fieldConfig", "defaults", "custom"), {"drawStyle": "circles"}),
        ("queries", ("panels", 0, "targets"), {"expr": "up"}),
        ("kind_of_a_variable", ("templating", "list", 0, "type"), "datasources"),
        ("name_of_a_variable", ("templating", "list", 0, "title"), "x"),
    ):
        board = made[name] = copy.deepcopy(sound)
        *parents, last = path
        place: Any = board
        for parent in parents:
            place = place[parent]
        place[last] = value
    return made


def test_dashboards_are_what_grafana_publishes_as_its_schema(tmp_path: Path) -> None:
    assert {"operations", "money", "security"} <= DASHBOARDS.keys()
    assert errors(tmp_path, DASHBOARDS) == {name: [] for name in DASHBOARDS}


def test_a_broken_dashboard_is_found(tmp_path: Path) -> None:
    found = errors(tmp_path, broken())
    assert [name for name, messages in found.items() if not messages] == []


@pytest.mark.parametrize("name", sorted(DASHBOARDS))
def test_every_kind_of_panel_is_checked(name: str) -> None:
    assert {panel["type"] for panel in DASHBOARDS[name]["panels"]} <= KINDS.keys()
