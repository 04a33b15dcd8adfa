"""The documentation is complete and its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from domain import errors
from domain.billing_units import UNITS, BillingUnit
from domain.errors import GatewayError
from domain.operation import Operation
from domain.vendor_objects import VENDOR_OBJECTS, VendorObject
from infra.controllers.errors import INTERNAL, TABLE
from infra.controllers.openai.routes import ENDPOINTS
from infra.controllers.permissions import ROUTE_PERMISSIONS
from llmproxy.cli.main import cli
from llmproxy.settings import Settings
from tests.tools import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OWN_CODE = re.compile(r"code=\"([a-z_]+)\"")


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def _subclasses(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _commands(found, f"{path} {name}")


COMMANDS = dict(_commands(cli, "llmproxy"))


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_described_with_its_default(name: str) -> None:
    row = re.search(rf"^\| `{name.upper()}` \| (.+?) \| (.+) \|$", page("settings.md"), re.MULTILINE)
    assert row, f"{name.upper()} has no row in docs/settings.md"
    default: Any = Settings.model_fields[name].default
    shown = row[1].strip("`")
    if default is None:
        assert shown == "none"
    elif isinstance(default, bool):
        assert shown == str(default).lower()
    elif isinstance(default, int | float):
        assert float(shown) == default
    else:
        assert shown == str(default)


def test_no_setting_is_made_up() -> None:
    described = set(re.findall(r"LLMPROXY_[A-Z_]+", "".join(path.read_text("utf-8") for path in PAGES)))
    known = {name.upper() for name in Settings.model_fields} | {"LLMPROXY_"}
    assert described <= known


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_described(command: str) -> None:
    found = COMMANDS[command]
    assert f"`{command}" in page("cli.md")
    assert found.help, f"{command} has no help"
    example = f"{found.epilog or ''} {found.help}"
    assert f"{command} " in f"{example} " or f"{command}\n" in example, f"{command} --help has no example"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_worth_a_word_is_described(command: str) -> None:
    if command.startswith("llmproxy simulator") or isinstance(COMMANDS[command], click.Group):
        return
    for parameter in COMMANDS[command].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}" in page("cli.md") or f" {option}" in page("cli.md"), f"{command} {option}"


@pytest.mark.parametrize("path", [*ENDPOINTS, "/v1/models", "/v1/models/{model}", "/health", "/docs", "/openapi.json"])
def test_every_path_is_described(path: str) -> None:
    assert f"`{path}`" in page("http.md")


def test_every_route_for_administrators_is_described_with_its_permission() -> None:
    rows = dict(re.findall(r"^\| `([A-Z]+ [^`]+)` \| `([^`]+)` \|", page("admin-api.md"), re.MULTILINE))
    described = {row.replace(":path}", "}"): permission.value for row, permission in ROUTE_PERMISSIONS.items()}
    below = ("/api/admin", "/api/config")
    assert rows == {row: one for row, one in described.items() if row.partition(" ")[2].startswith(below)}


@pytest.mark.parametrize("kind", sorted(set(_subclasses(GatewayError)), key=str))
def test_every_error_has_a_row_in_the_table_and_in_the_docs(kind: type[GatewayError]) -> None:
    assert kind in TABLE, f"{kind.__name__} has no row in infra/controllers/errors.py"
    assert f"`{kind.__name__}`" in page("errors.md")
    assert kind.__name__ in (errors.__doc__ or ""), "the tree in domain/errors.py lacks it"
    if kind.code is not None:
        assert f"`{kind.code}`" in page("errors.md")


def test_documented_statuses_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| (\d{3}) \| .* \| `(\w+)`(?: \(`\w+`\))? \|$", page("errors.md"), re.MULTILINE)
    assert len(rows) > 15
    for status, name in rows:
        assert TABLE[getattr(errors, name)].status == int(status), name


def test_every_code_given_on_the_spot_is_described() -> None:
    codes = {"internal_error"}
    assert b'"internal_error"' in INTERNAL
    for package in ("application", "infra/controllers", "infra/providers/openai_wire", "infra/providers/litellm"):
        for path in (ROOT / package).rglob("*.py"):
            codes |= set(OWN_CODE.findall(path.read_text("utf-8")))
    assert {code for code in codes if f"`{code}`" not in page("errors.md")} == set()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.price)
def test_every_price_is_described(unit: BillingUnit) -> None:
    for member in filter(None, (unit.member, unit.member_per_thousand)):
        assert f"`{member}`" in page("model-documents.md") or f'"{member}": ' in page("model-documents.md")


@pytest.mark.parametrize("name", Operation)
def test_every_operation_is_described(name: str) -> None:
    assert f"`{name}`" in page("model-documents.md")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", sorted((DOCS / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_decisions_are_short_and_end_in_what_holds_them(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    last = text.partition("**Held by**")[2]
    assert last
    named = re.findall(r"`([a-z_]+/[\w./-]+|pyproject\.toml)`", last)
    assert named, "names no path"
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md"])
def test_paths_in_the_map_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert len(text.splitlines()) <= 92, "a map is one page"
    for path in re.findall(r"`((?:domain|application|infra|llmproxy|tests|docs)/[\w./-]+)`", text):
        if "NAME" not in path:
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("row", VENDOR_OBJECTS, ids=lambda row: row.name)
def test_every_vendor_object_is_described(row: VendorObject) -> None:
    described = next(line for line in page("security.md").splitlines() if line.startswith(f"| `{row.name}` |"))
    assert row.source in described
    assert all(f"`{member}`" in described for member in (*row.members, *row.keys))
