"""``llmproxy projects add-identity`` and ``remove-identity``."""

from __future__ import annotations

from collections.abc import Callable

import click

from application.admin.project_limits import Edited, set_identity
from domain.identity import IdentityKind
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

_OPTIONS = (
    click.argument("project"),
    click.option("--tenant", help="Tenant of Entra ID."),
    click.option("--issuer", help="Address of another issuer, as LLMPROXY_OIDC_ISSUERS has it."),
    click.option("--app-id", help="Application that calls as itself (client id), a managed identity included."),
    click.option("--object-id", help="User or service principal."),
    click.option("--role", help="Application role."),
    click.option("--group", help="Id of a group."),
    json_option,
)


def _identity_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("add-identity", epilog="Example: llmproxy projects add-identity billing --tenant TENANT --app-id CLIENT")
@_identity_options
def add_identity_command(project: str, as_json: bool, **members: str | None) -> None:
    """Let callers with a token of this identity call as PROJECT, without a key."""
    _change(project, as_json, members, remove=False)


@click.command("remove-identity", epilog="Example: llmproxy projects remove-identity billing --tenant T --app-id C")
@_identity_options
def remove_identity_command(project: str, as_json: bool, **members: str | None) -> None:
    """No longer let callers with a token of this identity call as PROJECT."""
    _change(project, as_json, members, remove=True)


def _change(project: str, as_json: bool, members: dict[str, str | None], *, remove: bool) -> None:
    identity = {name: value for name, value in members.items() if value is not None}
    if sum(name in identity for name in IdentityKind) != 1 or len(identity) != 2:  # noqa: PLR2004 - one of each
        raise click.UsageError(
            "expected --tenant or --issuer, and exactly one of --app-id, --object-id, --role and --group"
        )

    async def work(stores: Stores) -> Edited:
        return await set_identity(stores.catalog, project, identity, remove=remove)

    edited = with_stores(work, changes=f"project {project}")
    if as_json:
        print_json({"project": project, "before": edited.before, "after": edited.after})
    else:
        click.echo(f"project {project} is changed; servers follow within seconds")
