"""``llmproxy catalog``: model documents between a folder and the store."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from application.admin.catalog import export
from application.admin.price_check import prices_as_json, validate_prices
from application.admin.validation import validate
from domain.documents import exact_json
from llmproxy.cli.catalog_documents import COMMANDS as DOCUMENT_COMMANDS
from llmproxy.cli.documents import FOLDER, counts, print_faults, read_folder, summary
from llmproxy.cli.history import history_command, rollback_command
from llmproxy.cli.output import json_option, print_json, printable, write_private
from llmproxy.cli.plan import apply_command, plan_command
from llmproxy.cli.prices import price_list_or_fail, print_compared
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

_FOLDER = click.argument("folder", metavar="DIR", type=FOLDER)


@click.group(epilog="Example: llmproxy catalog plan deploy/examples/models")
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
    """List every fault of the documents in DIR: file, field, what is wrong, what is expected.

    Needs no store. Exit code 1 if there are errors; with --prices that includes prices that are off by 1,000, for
    example a price per 1,000 tokens in place of one per 1,000,000.
    """
    if prices:
        listing = price_list_or_fail()
        validation, compared = validate_prices(read_folder(folder), listing.find)
    else:
        listing, compared = None, ()
        validation = validate(read_folder(folder))
    if as_json:
        found = {} if listing is None else {"prices": prices_as_json(listing.source, compared)}
        print_json(summary(validation, folder) | found)
    else:
        print_faults(validation, folder)
        if listing is not None:
            print_compared(listing.source, compared)
        click.echo(f"{len(validation.documents)} documents in {validation.files} files: {counts(validation)}")
    sys.exit(1 if validation.errors or (strict and validation.warnings) else 0)


@catalog.command("export", epilog="Example: llmproxy catalog export ./models")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@json_option
def export_command(folder: Path, as_json: bool) -> None:
    """Write every model document of the store to a file of its own in DIR, named after its id.

    Files of the same name are overwritten, others stay. Only their owner can read them, and keys in documents are
    masked. Applying what was exported changes nothing: masks stand for the stored keys.
    """

    async def work(stores: Stores) -> list[tuple[str, Mapping[str, object]]]:
        return await export(stores.catalog)

    documents = with_stores(work)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in documents:
            write_private(folder / name, exact_json.encode(body, indent=True) + "\n")
        others = sorted({path.name for path in folder.glob("*.json")} - {name for name, _ in documents})
    except OSError as error:
        raise click.ClickException(f"cannot write {folder}: {error.strerror}") from None
    if others:
        click.echo(f"not from the store, left as they are: {', '.join(map(printable, others))}", err=True)
    if as_json:
        print_json({"documents": len(documents), "files": [name for name, _ in documents]})
    else:
        click.echo(f"{len(documents)} documents written to {folder}")


for _command in (plan_command, apply_command, history_command, rollback_command, *DOCUMENT_COMMANDS):
    catalog.add_command(_command)
