"""``llmproxy import``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from application.admin.import_litellm import import_litellm
from application.admin.import_providers import import_providers
from application.admin.imported import Imported
from domain.documents import exact_json
from llmproxy.cli.output import json_option, print_json, printable
from llmproxy.setting_files import read_yaml

_FORMATS = {"litellm": ("model_list", import_litellm), "providers": ("providers", import_providers)}
"""By name: the member by which a file is recognised, and the conversion."""


@click.command("import", epilog="Example: llmproxy import litellm config.yaml --to imported")
@click.argument("arguments", nargs=-1, required=True, metavar="[FORMAT] FILE")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), default=Path("imported"), show_default=True, help="New folder."
)
@json_option
def import_(arguments: tuple[str, ...], folder: Path, as_json: bool) -> None:
    """Convert another program's configuration FILE to documents and settings, and report what is not carried over.

    FORMAT is `litellm` (LiteLLM Proxy) or `providers` (`providers` and limits); without it the file decides.
    Nothing is applied, and no key of the file is written anywhere.
    """
    *formats, file = arguments
    if len(formats) > 1 or (formats and formats[0] not in _FORMATS):
        raise click.UsageError(f"expected FILE, or one of {', '.join(_FORMATS)} and FILE")
    try:
        config = read_yaml(Path(file), "the configuration of another program")
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    known = [name for name, (member, _) in _FORMATS.items() if member in config]
    name = formats[0] if formats else next(iter(known), None)
    if name is None or _FORMATS[name][0] not in config:
        expected = " or ".join(_FORMATS[each][0] for each in formats or _FORMATS)
        raise click.ClickException(f"{file} has no {expected}")
    result = _FORMATS[name][1](config)
    try:
        _write(result, folder)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from None
    faults = list(result.faults())
    if as_json:
        print_json(_as_json(result, faults) | {"folder": str(folder)})
    else:
        _print(result, faults, folder)
    sys.exit(1 if any(": error: " in fault for fault in faults) else 0)


def _write(result: Imported, folder: Path) -> None:
    (folder / "models").mkdir(parents=True)
    for document in result.models:
        path = folder / "models" / f"{document['id']}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    lines = [f"{name.lower()}: {json.dumps(value)}\n" for name, value in sorted(result.settings.items())]
    (folder / "config.yaml").write_text("".join(lines), "utf-8")


def _as_json(result: Imported, faults: list[str]) -> dict[str, object]:
    return {
        "models": [document["id"] for document in result.models],
        "settings": json.loads(exact_json.encode(result.settings)),
        "not_carried_over": result.left_out,
        "hints": result.hints,
        "faults": faults,
    }


def _print(result: Imported, faults: list[str], folder: Path) -> None:
    models = f"{len(result.models)} documents in {folder / 'models'}"
    click.echo(f"{models}, {len(result.settings)} settings in {folder / 'config.yaml'}")
    for title, texts in (("not carried over", result.left_out), ("to do", result.hints), ("faults", faults)):
        if texts:
            click.echo(f"{title}:")
        for text in texts:
            click.echo(f"  {printable(text)}")
    click.echo(f"then: llmproxy catalog plan {folder / 'models'}; LLMPROXY_CONFIG={folder / 'config.yaml'}")
