"""The ``llmproxy`` command. A command's code is imported when it is run, so that help comes at once."""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword

import click

_COMMANDS = {
    "serve": "Serve the OpenAI endpoint.",
    "init": "Make the tables or containers of the store; safe to repeat.",
    "simulator": "Run an upstream to test against.",
    "doctor": "Check settings, store, secrets and documents before traffic does.",
    "explain": "Explain why a call would be allowed or not, what would serve it, and its cost.",
    "catalog": "Validate, plan, apply, export and roll back model documents.",
    "projects": "Make and list projects, set their limits and budgets.",
    "keys": "Make, list, rotate and revoke keys of a project.",
    "admins": "Create and list administrators, rotate and revoke their keys.",
    "limits": "Show what is used and left of limits and budgets.",
    "top": "Show what a server does at the moment, as a live table.",
    "people": "Export and erase what names an end user.",
    "audit": "Show, verify and export the log of changes by administrators.",
    "health-worker": "Probe upstreams in a process of its own, for all servers on the same store.",
    "load-test": "Let a running server call models at a steady rate, and show times, errors and cost.",
    "chaos": "Inject faults on purpose into a running server.",
    "import": "Convert the configuration of LiteLLM Proxy, or of others, to documents and settings.",
    "backup": "Write everything that the stores keep to a folder, also while servers run.",
    "restore": "Restore a backup to empty stores.",
    "completion": "Print what makes a shell complete commands, options and ids.",
    "usage": "Report what was used and what it cost, and audit it.",
}
"""Each is a module here with a command of the same name in it, hyphens replaced by underscores (``import_``)."""
COMPLETING = "_LLMPROXY_COMPLETE"
"""Environment variable with which shells ask for completions."""


def _module(command: str) -> str:
    return f"{command}_" if iskeyword(command) else command.replace("-", "_")


class _LateGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            meant = get_close_matches(cmd_name, _COMMANDS, n=1)
            if meant:
                ctx.fail(f"No such command '{cmd_name}'. Did you mean '{meant[0]}'?")
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(f"llmproxy.cli.{_module(cmd_name)}"), _module(cmd_name))
        if COMPLETING in os.environ and isinstance(command, click.Command):
            import_module("llmproxy.cli.completion").complete_ids(command)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LateGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Example: llmproxy serve --demo. Exit codes: 0 = good, 1 = failed or found something, 2 = wrong usage.",
)
@click.version_option(package_name="llmproxy", prog_name="llmproxy")
def cli() -> None:
    """Run and manage a drop-in OpenAI endpoint with projects, keys and exact costs."""


def main() -> None:
    """Run the command line."""
    cli(prog_name="llmproxy", complete_var=COMPLETING)
