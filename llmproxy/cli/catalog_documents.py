"""``llmproxy catalog list``, ``show``, ``new``, ``schema``, ``enable`` and ``disable``."""

from __future__ import annotations

import click

from application.admin.apply_plan import Signature
from application.admin.documents import ListedDocument, enable_model, list_models, show_model
from application.admin.plan import Plan
from application.admin.plan_json import plan_as_json
from domain.documents import exact_json
from domain.documents.schema import model_schema, new_document
from domain.vendors import ModelType
from llmproxy.cli.author import author_option, now_ms
from llmproxy.cli.output import json_option, print_exact_json, print_json, printable, table
from llmproxy.cli.plan_view import print_plan
from llmproxy.cli.running import with_stores

_ID = click.argument("document_id", metavar="ID")


@click.command("list", epilog="Example: llmproxy catalog list --columns id,code,state")
@json_option
def list_command(as_json: bool) -> None:
    """List every model document of the store, those that are out of service included."""
    listed = with_stores(lambda stores: list_models(stores.catalog))
    rows = [_as_json(one) for one in listed]
    if as_json:
        print_json(rows)
    else:
        names = ("id", "code", "model_type", "priority", "weight", "state")
        shown = [[row[name] if row[name] is not None else "" for name in names] for row in rows]
        click.echo(table(names, shown, right=frozenset({"priority", "weight"})))


@click.command("show", epilog="Example: llmproxy catalog show gpt-4-azure")
@_ID
@json_option
def show_command(document_id: str, as_json: bool) -> None:
    """Show the model document ID as it is stored, with keys masked."""
    body = with_stores(lambda stores: show_model(stores.catalog, document_id))
    if as_json:
        print_exact_json(body)
    else:
        click.echo(exact_json.encode(body, indent=True))


@click.command("new", epilog="Example: llmproxy catalog new AzureOpenAI > models/gpt-4.json")
@click.argument("model_type", metavar="TYPE", type=click.Choice([each.value for each in ModelType]))
@json_option
def new_command(model_type: str, as_json: bool) -> None:
    """Print a model document of TYPE to start from, with values in capitals to replace. Needs no store."""
    document = new_document(ModelType(model_type))
    if as_json:
        print_json(document)
    else:
        click.echo(exact_json.encode(document, indent=True))


@click.command("schema", epilog="Example: llmproxy catalog schema > model.schema.json")
@json_option
def schema_command(as_json: bool) -> None:
    """Print the JSON Schema of model documents, for editors. Needs no store."""
    if as_json:
        print_json(model_schema())
    else:
        click.echo(exact_json.encode(model_schema(), indent=True))


@click.command("enable", epilog="Example: llmproxy catalog enable gpt-4-azure")
@_ID
@author_option
@json_option
def enable_command(document_id: str, author: str, as_json: bool) -> None:
    """Put the model document ID into service again, as a new version of it."""
    _switch(document_id, author, enabled=True, as_json=as_json)


@click.command("disable", epilog="Example: llmproxy catalog disable gpt-4-azure")
@_ID
@author_option
@json_option
def disable_command(document_id: str, author: str, as_json: bool) -> None:
    """Take the model document ID out of service, as a new version of it. Calls under way go on."""
    _switch(document_id, author, enabled=False, as_json=as_json)


def _switch(document_id: str, author: str, *, enabled: bool, as_json: bool) -> None:
    def announce(plan: Plan) -> None:
        if not as_json:
            print_plan(plan)

    signature = Signature(author, now_ms())
    plan = with_stores(
        lambda stores: enable_model(
            stores.catalog, document_id, enabled=enabled, signature=signature, announce=announce
        ),
        changes=f"model {document_id}",
    )
    state = "enabled" if enabled else "disabled"
    if as_json:
        print_exact_json({"id": document_id, "enabled": enabled, **plan_as_json(plan)})
    else:
        click.echo(f"{printable(document_id)} is {state}{'' if plan.steps else ' already'}")


def _as_json(listed: ListedDocument) -> dict[str, object]:
    model = listed.model
    if model is None:
        unknown = dict.fromkeys(("code", "model_type", "provider", "priority", "weight"))
        return {"id": listed.id, **unknown, "operations": [], "state": f"out of service: {listed.errors}"}
    return {
        "id": listed.id,
        "code": model.code,
        "model_type": model.model_type.value,
        "provider": model.provider,
        "priority": model.priority,
        "weight": model.weight,
        "operations": sorted(model.operations),
        "state": "enabled" if model.enabled else "disabled",
    }


COMMANDS = (list_command, show_command, new_command, schema_command, enable_command, disable_command)
