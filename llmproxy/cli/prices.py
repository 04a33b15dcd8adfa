"""The part of ``llmproxy catalog validate`` that compares with a price list."""

from __future__ import annotations

from collections.abc import Sequence

import click

from application.admin.price_check import Compared
from infra.price_list.litellm_file import LiteLLMPriceList, PriceListError, load_price_list
from llmproxy.cli.output import printable


def price_list_or_fail() -> LiteLLMPriceList:
    """Load the price list.

    Raises:
        click.ClickException: it cannot be loaded. Exit code 1.
    """
    try:
        return load_price_list()
    except PriceListError as error:
        raise click.ClickException(str(error)) from None


def print_compared(source: str, compared: Sequence[Compared]) -> None:
    """Print which document was compared with which entry, so that a wrong match is seen."""
    for one in compared:
        name = printable(one.document_id)
        if one.reference is None:
            click.echo(f"{name}: info: not in the price list, so its prices were not checked")
        elif not one.reference.exact:
            click.echo(f"{name}: info: compared with {printable(one.reference.name)}, whose name is the nearest")
    found = sum(one.reference is not None for one in compared)
    click.echo(f"{found} of {len(compared)} documents compared with {source}")
