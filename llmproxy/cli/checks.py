"""Checks on the screen, and for machines."""

from __future__ import annotations

from collections.abc import Iterable

import click

from application.admin.checks import Check
from llmproxy.cli.output import printable


def print_checks(checks: Iterable[Check]) -> None:
    """Each on a line of its own."""
    for check in checks:
        click.echo(f"{check.verdict:<4}  {printable(check.subject)}: {printable(check.text)}")


def checks_as_json(checks: Iterable[Check]) -> list[dict[str, str]]:
    """The same for machines."""
    return [{"verdict": check.verdict.value, "subject": check.subject, "text": check.text} for check in checks]
