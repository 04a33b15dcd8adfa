"""Access of commands to the stores; errors become one line and an exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TypeVar

import click

from application.admin.audit_trail import AuditedCatalogStore, AuditTrail
from application.admin.messages import CommandError
from application.admin.projects import UnknownProjectError, project_ids
from application.errors import ConflictError, DocumentRefusedError, StoreUnavailableError
from domain.documents.values import closest
from llmproxy.cli.author import trail_of
from llmproxy.settings import IN_MEMORY, Settings, SettingsError, load_settings
from llmproxy.stores import EMBEDDED_FILES, Stores, open_stores

T = TypeVar("T")


class NoData(Enum):
    """Behaviour of a command if the embedded stores do not exist."""

    REFUSE = "refuse"
    EMPTY = "read an empty store"
    CREATE = "create them"


def with_stores(
    work: Callable[[Stores], Awaitable[T]],
    *,
    create: bool = False,
    no_data: NoData = NoData.REFUSE,
    changes: str | None = None,
) -> T:
    """Run a function with the stores that the server uses. What it changes in the catalogue is in the audit log.

    Args:
        work: the function.
        create: create what is missing first.
        no_data: what to do if the embedded stores do not exist: a command that only reads creates nothing.
        changes: what the command is to change, ``project billing``: its refusal is in the audit log, too. None for a
            command that only reads.

    Raises:
        click.ClickException: invalid settings, an unavailable store, or a refused command. Exit code 1.
    """
    settings = settings_or_fail()
    if settings.in_memory:
        raise click.ClickException("DATA_DIR=:memory: exists only inside the server process; commands cannot reach it")

    missing = missing_data(settings)
    if missing is not None and not create:
        if no_data is NoData.REFUSE:
            raise click.ClickException(missing)
        if no_data is NoData.EMPTY:
            settings = settings.model_copy(update={"data_dir": IN_MEMORY})

    async def run() -> T:
        async with open_stores(settings, create=create) as opened:
            trail = trail_of(opened.audit)
            stores = replace(opened, catalog=AuditedCatalogStore(opened.catalog, trail), trail=trail)
            try:
                return await work(stores)
            except UnknownProjectError as error:
                refusal = await _with_suggestion(error, stores, settings)
                await _refused(trail, changes, refusal)
                raise refusal from None
            except (CommandError, ConflictError, DocumentRefusedError) as error:
                await _refused(trail, changes, error)
                raise

    try:
        return asyncio.run(run())
    except (CommandError, ConflictError, DocumentRefusedError, StoreUnavailableError) as error:
        raise click.ClickException(str(error)) from None


async def _refused(trail: AuditTrail, subject: str | None, error: Exception) -> None:
    if subject is None:
        return
    try:
        await trail.refused(subject, str(error))
    except StoreUnavailableError as unavailable:
        click.echo(f"this refusal is not in the audit log: {unavailable}", err=True)


def place(settings: Settings) -> str:
    """Name the stores for messages: the database, or the absolute path of the folder."""
    if settings.cosmos_url:
        return f"the Cosmos DB database {settings.cosmos_database_id}"
    return str(Path(settings.data_dir).absolute())


def missing_data(settings: Settings) -> str | None:
    """Return a message if the embedded stores are used and do not exist."""
    folder = Path(settings.data_dir)
    if (
        settings.cosmos_url
        or folder.is_file()
        or any((folder / name).exists() for name in (*EMBEDDED_FILES, "journal"))
    ):
        return None
    return (
        f"no LLM Proxy data in {place(settings)}: expected {' or '.join(EMBEDDED_FILES)};"
        " set DATA_DIR to the folder of the server, or create it with `llmproxy init`"
    )


async def _with_suggestion(error: UnknownProjectError, stores: Stores, settings: Settings) -> CommandError:
    meant = closest(error.project_id, await project_ids(stores.catalog))
    hint = f"did you mean {meant!r}?" if meant else "see `llmproxy projects list`"
    return CommandError(f"unknown project {error.project_id!r} in {place(settings)}; {hint}")


def settings_or_fail() -> Settings:
    """Load the settings.

    Raises:
        click.ClickException: one of them is invalid. Exit code 1.
    """
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
