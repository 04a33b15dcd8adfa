"""``llmproxy init``."""

from __future__ import annotations

import click

from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import settings_or_fail, with_stores
from llmproxy.stores import Stores


@click.command(epilog="Example: llmproxy init")
@json_option
def init(as_json: bool) -> None:
    """Make the tables or containers of the store where they are missing. Safe to repeat; what is there stays."""

    async def look(stores: Stores) -> str:
        return await stores.catalog.fingerprint()  # opening the stores has prepared them

    with_stores(look, create=True)
    settings = settings_or_fail()
    database = settings.cosmos_database_id if settings.cosmos_url else None
    if as_json:
        print_json({"ready": True, "data_dir": settings.data_dir, "database": database})
    elif database is not None:
        click.echo(f"the Cosmos DB database {database} is ready")
    else:
        click.echo(f"the store in {settings.data_dir} is ready")
