"""Every command is known to change documents, and then to be audited, or not to."""

from __future__ import annotations

import click

from llmproxy.cli.main import cli
from tests.e2e.test_audit_log import CHANGING, HARMLESS


def leaves(command: click.Command, path: str = "") -> list[str]:
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    found = []
    for name in command.list_commands(context):
        each = command.get_command(context, name)
        assert each is not None
        found += leaves(each, f"{path} {name}".strip())
    return found


def test_every_command_is_known_to_change_something_or_not() -> None:
    others = {name for name in leaves(cli) if not name.startswith("usage ")} - HARMLESS - CHANGING.keys()
    assert others == {"limits release", "people erase", "restore"}
