"""A model document as a form, and back: the fields that people change often; everything else stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.admin.masked_keys import mask_keys
from domain.documents import exact_json
from domain.operation import Operation
from domain.vendors import ModelType
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked

_TEXTS = ("code", "name", "provider")
_NUMBERS = {"priority": 0, "weight": 1}
"""Numbers, and what counts where the document names none."""
_PARAMETERS = {
    "endpoint": marked("Endpoint"),
    "deployment_name": marked("Deployment"),
    "api_version": marked("API version"),
    "model": marked("Model at the upstream"),
    "secret_name": marked("Secret name"),
    "location": marked("Location"),
    "gcp_project": marked("Google Cloud project"),
    "timeout": marked("Timeout, seconds"),
}
_COSTS = {
    "cost_input_1Mtokens": marked("Input, 1M tokens"),
    "cost_output_1Mtokens": marked("Output, 1M tokens"),
    "cost_cached_input_1Mtokens": marked("Cached input, 1M tokens"),
}
_NUMERIC = {"timeout"}
_CURRENCIES = ("USD", "BRL", "EUR")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the form.

    Args:
        name: in the form: ``parameters.endpoint``.
        label: for people, translated.
        value: as text.
        saved: the value of the stored document if it differs; None if it does not.
    """

    name: str
    label: str
    value: str
    saved: str | None


def body_of_form(page: PageRequest, stored: Mapping[str, object]) -> dict[str, object]:
    """Return the document that a form describes, on the base of the stored one.

    Values that are not as expected stay as they were typed, so that validation can name them.
    """
    form, body = page.form, dict(stored)
    if not stored:
        body["id"] = form.get("id", "").strip()
    for name in (*_TEXTS, "model_type"):
        _put(body, name, form.get(name, "").strip())
    for name, default in _NUMBERS.items():
        _put(body, name, number_of(form.get(name, "")), default)
    named = form.get("projects", "").replace("\n", ",").split(",")
    _put(body, "enabled", form.get("enabled") == "on", default=True)
    _put(body, "private", form.get("private") == "on", default=False)
    _put(body, "projects", [one.strip() for one in named if one.strip()], [])
    body["operations"] = page.lists.get("operations", [])
    for table, numeric in (("parameters", _NUMERIC), ("costs", None)):
        found = stored.get(table)
        members = dict(found) if isinstance(found, Mapping) else {}
        for field, text in form.items():
            if field.startswith(f"{table}."):
                name = field.partition(".")[2]
                wanted = text.strip()
                is_number = (numeric is None and name != "currency") or (numeric is not None and name in numeric)
                _put(members, name, number_of(wanted) if is_number else wanted)
        body[table] = members
    return body


def body_of_json(text: str) -> tuple[dict[str, object] | None, str]:
    """Return the document of a JSON text, or why it cannot be read."""
    try:
        body = exact_json.decode(text)
    except ValueError as error:
        return None, str(error)
    return (body, "") if isinstance(body, dict) else (None, "expected one JSON object")


def json_of(body: Mapping[str, object]) -> str:
    """Return the document as JSON text, with its keys masked."""
    return exact_json.encode(mask_keys(body), indent=True)


def fields_of(
    page: PageRequest, body: Mapping[str, object], stored: Mapping[str, object]
) -> Mapping[str, Sequence[FormField] | FormField]:
    """Return the fields of the form."""
    shown, saved = mask_keys(body), mask_keys(stored)

    def one(name: str, label: str, default: str = "") -> FormField:
        return FormField(name, label, _text(shown.get(name), default), _saved(shown.get(name), saved.get(name), stored))

    def table(name: str, labels: Mapping[str, str]) -> list[FormField]:
        members, before = (_members(each.get(name)) for each in (shown, saved))
        names = [*labels, *(other for other in members if other not in labels and other != "currency")]
        return [
            FormField(
                f"{name}.{member}",
                page.text(labels[member]) if member in labels else member,
                _text(members.get(member)),
                _saved(members.get(member), before.get(member), stored),
            )
            for member in names
            if not isinstance(members.get(member), Mapping | list | bool)
        ]

    return {
        "id": one("id", page.text("Document id")),
        "code": one("code", page.text("Model")),
        "name": one("name", page.text("Name for people")),
        "provider": one("provider", page.text("Provider")),
        "priority": one("priority", page.text("Priority"), "0"),
        "weight": one("weight", page.text("Weight"), "1"),
        "parameters": table("parameters", _PARAMETERS),
        "costs": table("costs", _COSTS),
    }


def messages_of(fields: Mapping[str, Sequence[FormField] | FormField], *, new: bool) -> list[str]:
    """Return the names of the fields that have a place for a message."""
    names = ["model_type", "projects", "operations", "costs"]
    for name, found in fields.items():
        if isinstance(found, FormField):
            names += [found.name] if name != "id" or new else []
        else:
            names += [one.name for one in found]
    return names


def choices_of(body: Mapping[str, object]) -> Mapping[str, object]:
    """Return what can be chosen in the form, and what is."""
    operations, costs = body.get("operations"), _members(body.get("costs"))
    listed = [str(one) for one in operations] if isinstance(operations, list) else []
    projects = body.get("projects")
    currency = str(costs.get("currency") or "USD")
    return {
        "model_type": str(body.get("model_type") or ""),
        "types": [one.value for one in ModelType],
        "operations": [(one.value, one.value in listed) for one in Operation],
        "private": body.get("private") is True,
        "enabled": body.get("enabled") is not False,
        "projects": ", ".join(str(one) for one in projects) if isinstance(projects, list) else "",
        "currency": currency,
        "currencies": dict.fromkeys([currency, *_CURRENCIES]),
    }


def _members(table: object) -> Mapping[str, object]:
    return {str(name): value for name, value in table.items()} if isinstance(table, Mapping) else {}


def _put(members: dict[str, object], name: str, value: object, default: object = "") -> None:
    """Set a member, or leave it out where it is missing and need not be there."""
    if value in ("", None):
        members.pop(name, None)
    elif name in members or value != default:
        members[name] = value


def number_of(text: str) -> object:
    """Return the number of a text in either language's spelling, or the text itself."""
    wanted = text.strip()
    if "," in wanted and "." not in wanted:
        wanted = wanted.replace(",", ".")
    try:
        value = exact_json.decode(wanted)
    except ValueError:
        return text.strip()
    return value if not isinstance(value, str | dict | list) else text.strip()


def _text(value: object, default: str = "") -> str:
    if value is None:
        return default
    return value if isinstance(value, str) else exact_json.encode(value)


def _saved(value: object, before: object, stored: Mapping[str, object]) -> str | None:
    return _text(before) if stored and _text(value) != _text(before) else None
