"""``llmproxy catalog``: model documents between a folder and the store."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from application.admin.catalogue import Applied, apply, export
from application.admin.price_check import validate_prices
from application.admin.validation import FileFault, Unreadable, Validation, validate
from infra.catalog_store import codec
from llmproxy.cli.output import json_option, print_json, printable
from llmproxy.cli.prices import price_list_or_fail, prices_as_json, print_compared
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(exists=True, path_type=Path))


@click.group()
def catalog() -> None:
    """Model documents as files.

    DIR is a folder with .json files (those in folders below it are not read), or one such file. A file holds one
    document or a list of documents.
    """


@catalog.command("validate", epilog="Example: llmproxy catalog validate deploy/examples/models --prices")
@_FOLDER
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--prices", is_flag=True, help="Compare with LiteLLM's price list, too. Needs no network.")
@json_option
def validate_command(folder: Path, strict: bool, prices: bool, as_json: bool) -> None:
    """Name every fault of the documents in DIR: file, field, what is wrong, what would be right.

    Needs no store. Exit code 1 if there are errors; with --prices that includes prices that are off by 1,000, as they
    are where a price per 1,000 tokens stands for one per 1,000,000.
    """
    if prices:
        listing = price_list_or_fail()
        validation, compared = validate_prices(_read(folder), listing.find)
    else:
        listing, compared = None, ()
        validation = validate(_read(folder))
    if as_json:
        found = {} if listing is None else {"prices": prices_as_json(listing.source, compared)}
        print_json(_summary(validation) | found)
    else:
        _print_faults(validation)
        if listing is not None:
            print_compared(listing.source, compared)
        click.echo(f"{len(validation.documents)} documents in {validation.files} files: {_counts(validation)}")
    sys.exit(1 if validation.errors or (strict and validation.warnings) else 0)


@catalog.command("apply", epilog="Example: llmproxy catalog apply deploy/examples/models")
@_FOLDER
@json_option
def apply_command(folder: Path, as_json: bool) -> None:
    """Write the documents in DIR to the store, all or, if one has an error, none.

    Documents that the folder lacks stay in the store. A running server shows the change within seconds.
    """
    files = _read(folder)

    async def work(stores: Stores) -> tuple[Validation, Applied | None]:
        return await apply(stores.catalog, files)

    validation, applied = with_stores(work)
    if as_json:
        done = applied or Applied()
        lists = {"added": done.added, "changed": done.changed, "unchanged": done.unchanged}
        print_json({"applied": applied is not None, **lists, **_summary(validation)})
    else:
        _print_faults(validation)
        if applied is None:
            click.echo(f"nothing was applied: {_counts(validation)}")
        else:
            counts = f"{len(applied.added)} added, {len(applied.changed)} changed, {len(applied.unchanged)} unchanged"
            click.echo(counts)
    sys.exit(1 if applied is None else 0)


@catalog.command("export", epilog="Example: llmproxy catalog export ./models")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@json_option
def export_command(folder: Path, as_json: bool) -> None:
    """Write every model document of the store to a file of its own in DIR, named after its id.

    Files of the same name are overwritten, others stay. Applying what was exported changes nothing.
    """

    async def work(stores: Stores) -> list[tuple[str, Mapping[str, object]]]:
        return await export(stores.catalog)

    documents = with_stores(work)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in documents:
            (folder / name).write_text(codec.encode(body, indent=True) + "\n", encoding="utf-8")
        others = sorted({path.name for path in folder.glob("*.json")} - {name for name, _ in documents})
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}") from None
    if others:
        click.echo(f"left as they are, not from the store: {', '.join(map(printable, others))}", err=True)
    if as_json:
        print_json({"documents": len(documents), "files": [name for name, _ in documents]})
    else:
        click.echo(f"{len(documents)} documents written to {folder}")


def _read(folder: Path) -> list[tuple[str, object]]:
    if folder.is_file():
        return [(folder.name, _content(folder))]
    return [(path.name, _content(path)) for path in sorted(folder.glob("*.json")) if not path.is_dir()]


def _content(path: Path) -> object:
    try:
        return codec.decode(path.read_bytes())
    except OSError as error:
        return Unreadable(error.strerror or type(error).__name__)
    except ValueError as error:
        return Unreadable(str(error))


def _print_faults(validation: Validation) -> None:
    for found in validation.faults:
        place = f"{printable(found.file)}: " if found.file else ""
        click.echo(f"{place}{found.fault.severity}: {found.fault}")


def _counts(validation: Validation) -> str:
    return f"{validation.errors} errors, {validation.warnings} warnings"


def _summary(validation: Validation) -> dict[str, object]:
    return {
        "files": validation.files,
        "documents": len(validation.documents),
        "errors": validation.errors,
        "warnings": validation.warnings,
        "faults": [_as_json(found) for found in validation.faults],
    }


def _as_json(found: FileFault) -> dict[str, str]:
    fault = found.fault
    return {
        "file": found.file,
        "field": fault.field,
        "wrong": fault.wrong,
        "right": fault.right,
        "severity": fault.severity.value,
    }
