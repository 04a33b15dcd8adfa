"""``llmproxy projects show``, ``update``, ``tag`` and ``delete``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from application.admin.projects import delete_project, show_project, update_project
from domain.documents import exact_json
from llmproxy.cli.output import json_option, print_exact_json, print_json
from llmproxy.cli.running import with_stores

_ID = click.argument("project_id", metavar="ID")


def tags_of(texts: tuple[str, ...]) -> dict[str, str | None]:
    """Read tags written as ``NAME=VALUE``; an empty value removes the tag.

    Raises:
        click.UsageError: one is not written so.
    """
    pairs = [text.partition("=") for text in texts]
    if any(not name or not sign for name, sign, _ in pairs):
        raise click.UsageError("write a tag as NAME=VALUE")
    return {name: value or None for name, _, value in pairs}


@click.command("show", epilog="Example: llmproxy projects show billing")
@_ID
@json_option
def show_command(project_id: str, as_json: bool) -> None:
    """Show the project ID as it is stored, without the digests of its keys."""
    body = with_stores(lambda stores: show_project(stores.catalog, project_id))
    if as_json:
        print_exact_json(body)
    else:
        click.echo(exact_json.encode(body, indent=True))


@click.command("update", epilog="Example: llmproxy projects update billing --disabled")
@_ID
@click.option("--name", help="Text for people.")
@click.option("--enabled/--disabled", default=None, help="Without service every key of it is refused.")
@json_option
def update_command(project_id: str, name: str | None, enabled: bool | None, as_json: bool) -> None:
    """Change the name of the project ID, or take it out of service. What is not named stays."""
    if name is None and enabled is None:
        raise click.UsageError("one of --name, --enabled and --disabled")
    members: dict[str, object] = {"name": name, "enabled": enabled}
    given = {member: value for member, value in members.items() if value is not None}
    with_stores(lambda stores: update_project(stores.catalog, project_id, given), changes=f"project {project_id}")
    _done({"id": project_id, **given}, f"project {project_id} is changed", as_json=as_json)


@click.command("tag", epilog="Example: llmproxy projects tag billing cost_centre=4711 team=")
@_ID
@click.argument("tags", metavar="NAME=VALUE...", nargs=-1, required=True)
@json_option
def tag_command(project_id: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Set tags of the project ID, which are copied to each of its ledger lines from now on; NAME= removes one."""
    changed = tags_of(tags)
    after = with_stores(
        lambda stores: update_project(stores.catalog, project_id, {}, changed), changes=f"project {project_id}"
    )
    text = ", ".join(f"{name}={value}" for name, value in after.items()) or "none"
    _done({"id": project_id, "tags": dict(after)}, f"tags of project {project_id}: {text}", as_json=as_json)


@click.command("delete", epilog="Example: llmproxy projects delete billing")
@_ID
@click.option("--yes", is_flag=True, help="Delete it without asking.")
@json_option
def delete_command(project_id: str, yes: bool, as_json: bool) -> None:
    """Delete the project ID with its keys for good. Its ledger lines stay.

    A project that is only disabled can be put into service again.
    """
    if not yes:
        if not sys.stdin.isatty():
            raise click.ClickException("nothing is deleted without --yes where nobody can be asked")
        click.confirm(f"delete project {project_id} and its keys?", abort=True, err=True)
    keys = with_stores(
        lambda stores: delete_project(stores.catalog, project_id, datetime.now(UTC)), changes=f"project {project_id}"
    )
    text = f"project {project_id} is deleted, with {keys} usable keys"
    _done({"id": project_id, "deleted": True, "usable_keys": keys}, text, as_json=as_json)


def _done(members: Mapping[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(members)
    else:
        click.echo(text)


COMMANDS = (show_command, update_command, tag_command, delete_command)
