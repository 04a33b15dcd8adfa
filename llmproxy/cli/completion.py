"""``llmproxy completion``, and the ids that shells complete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import click
from click.shell_completion import CompletionItem, get_completion_class

from application.admin.documents import list_models
from application.admin.projects import list_projects
from llmproxy.cli.main import COMPLETING, cli
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import settings_or_fail, with_stores
from llmproxy.stores import Stores

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion", epilog='Example: eval "$(llmproxy completion bash)"')
@click.argument("shell", metavar="SHELL", type=click.Choice(_SHELLS))
@json_option
def completion(shell: str, as_json: bool) -> None:
    """Print the code that makes bash, zsh or fish complete commands, options and ids of this store.

    bash and zsh evaluate it in their start-up file; fish reads it from ~/.config/fish/completions/llmproxy.fish.
    Ids are completed from the embedded store, not from Cosmos DB, which would take too long.
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"click does not support {shell}")
    source = found(cli, {}, "llmproxy", COMPLETING).source()
    if as_json:
        print_json({"shell": shell, "source": source})
    else:
        click.echo(source)


async def _projects(stores: Stores, context: click.Context) -> Iterable[str]:
    del context
    return [listed.id for listed in await list_projects(stores.catalog)]


async def _keys(stores: Stores, context: click.Context) -> Iterable[str]:
    wanted = context.params.get("project") or context.params.get("project_id")
    found = (listed.project for listed in await list_projects(stores.catalog) if wanted in {None, listed.id})
    return [key.id for project in found if project is not None for key in project.keys]


async def _documents(stores: Stores, context: click.Context) -> Iterable[str]:
    del context
    return [listed.id for listed in await list_models(stores.catalog)]


async def _codes(stores: Stores, context: click.Context) -> Iterable[str]:
    del context
    return [listed.model.code for listed in await list_models(stores.catalog) if listed.model is not None]


_IDS: Mapping[str, Callable[[Stores, click.Context], Awaitable[Iterable[str]]]] = {
    "project": _projects,
    "project_id": _projects,
    "key": _keys,
    "document_id": _documents,
    "model": _codes,
}
"""Functions that list the values of a parameter, by its name."""


def complete_ids(command: click.Command) -> None:
    """Let parameters of a command, or of the commands of a group, be completed with the ids of the store."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            complete_ids(each)
    for parameter in command.params:
        if parameter.name in _IDS:
            parameter._custom_shell_complete = _from_store  # noqa: SLF001 - click takes it in the constructor alone


def _from_store(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    read = _IDS[parameter.name or ""]
    try:
        if settings_or_fail().cosmos_url is not None:
            return []
        found = with_stores(lambda stores: read(stores, context))
    except click.ClickException:  # no store, or none that can be read: nothing to complete
        return []
    return [CompletionItem(each) for each in sorted({*found}) if each.startswith(incomplete)]
