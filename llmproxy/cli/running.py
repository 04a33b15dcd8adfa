"""Access of commands to the stores; errors become one line and an exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from application.admin.messages import CommandError
from application.errors import ConflictError, DocumentRefusedError, StoreUnavailableError
from llmproxy.settings import Settings, SettingsError, load_settings
from llmproxy.stores import Stores, open_stores

T = TypeVar("T")


def with_stores(work: Callable[[Stores], Awaitable[T]], *, create: bool = False) -> T:
    """Run a function with the stores that the server uses.

    Args:
        work: the function.
        create: create what is missing first.

    Raises:
        click.ClickException: invalid settings, an unavailable store, or a refused command. Exit code 1.
    """
    settings = settings_or_fail()
    if settings.in_memory:
        raise click.ClickException("DATA_DIR=:memory: exists only inside the server process; commands cannot reach it")

    async def run() -> T:
        async with open_stores(settings, create=create) as stores:
            return await work(stores)

    try:
        return asyncio.run(run())
    except (CommandError, ConflictError, DocumentRefusedError, StoreUnavailableError) as error:
        raise click.ClickException(str(error)) from None


def settings_or_fail() -> Settings:
    """Load the settings.

    Raises:
        click.ClickException: one of them is invalid. Exit code 1.
    """
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
