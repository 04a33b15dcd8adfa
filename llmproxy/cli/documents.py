"""Model documents in files, and output of their faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from application.admin.validation import FileFault, Validation, fault_as_json, validation_as_json
from domain.documents import exact_json
from domain.documents.fault import Unreadable
from domain.documents.positions import line_and_column, nearest, positions
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


class Places:
    """Lines and columns of faults in files, read from them again.

    Args:
        folder: the folder, or the file, as for :func:`read_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[str, Mapping[str, int]]] = {}

    def of(self, found: FileFault) -> tuple[int, int] | None:
        """Return the line and column of what is faulty, both from 1; None if the file has no such place."""
        if not found.file:
            return None
        try:
            if found.file not in self._known:
                path = self._folder if self._folder.is_file() else self._folder / found.file
                text = path.read_text("utf-8-sig")
                self._known[found.file] = (text, positions(text))
            text, places = self._known[found.file]
        except json.JSONDecodeError as error:
            return error.lineno, error.colno
        except (OSError, ValueError):
            return None
        return line_and_column(text, nearest(places, found.fault.field))


def print_faults(validation: Validation, folder: Path) -> None:
    """Print every fault on its own line, with file, line and column as compilers do."""
    places = Places(folder)
    for found in validation.faults:
        at = places.of(found)
        place = f"{printable(found.file)}{'' if at is None else f':{at[0]}:{at[1]}'}: " if found.file else ""
        click.echo(f"{place}{found.fault.severity}: {found.fault}")


def counts(validation: Validation) -> str:
    """Return the number of faults, as text."""
    return f"{validation.errors} errors, {validation.warnings} warnings"


def summary(validation: Validation, folder: Path) -> dict[str, object]:
    """Return the whole validation as JSON data, each fault with its line and column; None if it has none."""
    places = Places(folder)
    faults = [
        fault_as_json(found) | dict(zip(("line", "column"), places.of(found) or (None, None), strict=True))
        for found in validation.faults
    ]
    return validation_as_json(validation) | {"faults": faults}
