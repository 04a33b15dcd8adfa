"""Model documents in files, and output of their faults."""

from __future__ import annotations

from pathlib import Path

import click

from application.admin.validation import Validation
from domain.documents import exact_json
from domain.documents.fault import Unreadable
from llmproxy.cli.output import printable

FOLDER = click.Path(exists=True, path_type=Path)
"""A folder with .json files, or one such file."""


def read_folder(folder: Path) -> list[tuple[str, object]]:
    """Read the name and content of each file."""
    if folder.is_file():
        return [(folder.name, _content(folder))]
    return [(path.name, _content(path)) for path in sorted(folder.glob("*.json")) if not path.is_dir()]


def _content(path: Path) -> object:
    try:
        return exact_json.decode(path.read_bytes())
    except OSError as error:
        return _unreadable(error.strerror or type(error).__name__)
    except ValueError as error:
        return _unreadable(str(error))


def _unreadable(reason: str) -> Unreadable:
    return Unreadable(f"is not readable: {reason}", "a JSON document in UTF-8")


def print_faults(validation: Validation) -> None:
    """Print every fault on its own line."""
    for found in validation.faults:
        place = f"{printable(found.file)}: " if found.file else ""
        click.echo(f"{place}{found.fault.severity}: {found.fault}")


def counts(validation: Validation) -> str:
    """Return the number of faults, as text."""
    return f"{validation.errors} errors, {validation.warnings} warnings"
