"""``llmproxy projects``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from application.admin.audit_reading import AuditFilter, latest
from application.admin.json_views import project_as_json, project_state, usable_keys
from application.admin.projects import ListedProject, create_project, list_projects
from domain.documents import exact_json
from domain.documents.write import time_text
from llmproxy.cli.output import json_option, print_json, printable, table
from llmproxy.cli.project_content import set_content_command
from llmproxy.cli.project_edit import COMMANDS as EDIT_COMMANDS
from llmproxy.cli.project_edit import tags_of
from llmproxy.cli.project_identities import add_identity_command, remove_identity_command
from llmproxy.cli.project_limits import set_budget_command, set_limits_command
from llmproxy.cli.running import NoData, with_stores
from llmproxy.stores import Stores


@click.group(epilog="Example: llmproxy projects create billing --tag cost_centre=4711")
def projects() -> None:
    """Projects: who calls, and who pays."""


for _command in EDIT_COMMANDS:
    projects.add_command(_command)
projects.add_command(set_limits_command)
projects.add_command(set_budget_command)
projects.add_command(set_content_command)
projects.add_command(add_identity_command)
projects.add_command(remove_identity_command)


@projects.command("create", epilog="Example: llmproxy projects create billing --tag cost_centre=4711")
@click.argument("project_id", metavar="ID")
@click.option("--name", help="Text for people.  [default: the id]")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Copied to every ledger line; repeatable.")
@json_option
def create_command(project_id: str, name: str | None, tags: tuple[str, ...], as_json: bool) -> None:
    """Make a project without keys."""
    given = {key: value for key, value in tags_of(tags).items() if value is not None}

    async def work(stores: Stores) -> None:
        await create_project(stores.catalog, project_id, name, given)

    with_stores(work, no_data=NoData.CREATE, changes=f"project {project_id}")
    if as_json:
        print_json({"id": project_id, "created": True})
    else:
        click.echo(f"project {project_id} is made; give it a key: llmproxy keys create {project_id} --name ci")


@projects.command("list", epilog="Example: llmproxy projects list --json")
@json_option
def list_command(as_json: bool) -> None:
    """Every project with the number of its usable keys."""

    async def work(stores: Stores) -> list[ListedProject]:
        return await list_projects(stores.catalog)

    listed = with_stores(work)
    now = datetime.now(UTC)
    if as_json:
        print_json([project_as_json(one, now) for one in listed])
        return
    rows = [
        (one.id, one.project.name if one.project else "", usable_keys(one, now), project_state(one)) for one in listed
    ]
    click.echo(table(["id", "name", "usable keys", "state"], rows, right=frozenset({"usable keys"})))


@projects.command("history", epilog="Example: llmproxy projects history billing")
@click.argument("project_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The latest of them.")
@json_option
def history_command(project_id: str, limit: int, as_json: bool) -> None:
    """List what was changed in the project ID and its keys: when, who, and each field before and after.

    It is part of the log that `llmproxy audit` shows, which has no secrets.
    """

    async def work(stores: Stores) -> list[Mapping[str, object]]:
        return await latest(stores.audit, AuditFilter(subject=f"project {project_id}"), limit)

    found = [one for one in with_stores(work) if one.get("subject") == f"project {project_id}"]
    if as_json:
        print_json([json.loads(exact_json.encode(members)) for members in found])
        return
    if not found:
        click.echo(f"no change of project {printable(project_id)} is recorded", err=True)
    for members in found:
        at_ms, who, what = (members.get(name, "") for name in ("at_ms", "actor", "action"))
        when = time_text(at_ms) if isinstance(at_ms, int) else ""
        click.echo(f"{when}  {printable(str(who))}  {what}")
        changes = members.get("changes")
        for change in changes if isinstance(changes, list | tuple) else ():
            click.echo(f"  {printable(_changed(change))}")


def _changed(change: Mapping[str, object]) -> str:
    before, after = (
        exact_json.encode(change[name]) if change.get(name) is not None else "none" for name in ("old", "new")
    )
    return f"{change.get('field') or 'all of it'}: {before} -> {after}"
