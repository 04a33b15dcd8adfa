"""``llmproxy projects set-content``."""

from __future__ import annotations

import click

from application.admin.project_limits import Edited, set_content
from domain.content_policy import LONGEST_RETENTION, PATTERNS, ContentLevel
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores


@click.command("set-content", epilog="Example: llmproxy projects set-content billing --log full --redact email")
@click.argument("project")
@click.option(
    "--log", "level", type=click.Choice([one.value for one in ContentLevel]), required=True, help="How much is kept."
)
@click.option("--retention-days", type=click.IntRange(1, LONGEST_RETENTION), help="For how long.  [default: 30]")
@click.option("--redact", multiple=True, type=click.Choice(list(PATTERNS)), help="What is redacted; repeatable.")
@json_option
def set_content_command(
    project: str, level: str, retention_days: int | None, redact: tuple[str, ...], as_json: bool
) -> None:
    """Say what is kept of the content of PROJECT's calls: `none`, facts only (`metadata`), or prompts and answers."""
    members: dict[str, object] = {"log": level}
    if retention_days is not None:
        members["retention_days"] = retention_days
    if redact:
        members["redact"] = list(redact)
    wanted = None if level == ContentLevel.NONE else members

    async def work(stores: Stores) -> Edited:
        return await set_content(stores.catalog, project, wanted)

    edited = with_stores(work, changes=f"project {project}")
    if as_json:
        print_json({"project": project, "before": edited.before, "after": edited.after})
    else:
        click.echo(f"project {project} is changed; servers follow within seconds")
