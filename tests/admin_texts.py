"""Texts of the pages at ``/admin``: ``python -m tests.admin_texts`` extracts them and compiles the catalogue.

Texts that are new stand in the .po file without a translation, and those that are not used any more are removed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from infra.controllers.admin_pages.rendering import TEMPLATES
from infra.controllers.admin_pages.translations import DOMAIN, FOLDER

PO = FOLDER / "pt_BR" / "LC_MESSAGES" / f"{DOMAIN}.po"
MO = PO.with_suffix(".mo")
_MADE = datetime(2026, 11, 29, tzinfo=UTC)
"""Time in the header, the same however often the files are written."""
_CODE = {"text": None, "marked": None}
_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2)}


def texts() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield file and text of everything that is translated."""
    for path in sorted(TEMPLATES.parent.glob("*.py")):
        with path.open("rb") as file:
            for _, message, _, _ in extract("python", file, _CODE):
                yield path.name, message
    for path in sorted(TEMPLATES.glob("*.html")):
        with path.open("rb") as file:
            options = {"trimmed": "true", "silent": "false"}
            for _, message, _, _ in extract("jinja2.ext:babel_extract", file, _TEMPLATES, options=options):
                yield path.name, message


def updated() -> Catalog:
    """Return the catalogue with exactly the texts of today and the translations that it has."""
    with PO.open("rb") as file:
        before = read_po(file, locale="pt_BR")
    catalog = Catalog(
        locale="pt_BR",
        domain=DOMAIN,
        header_comment="# Texts of the pages at /admin in Brazilian Portuguese.",
        project="LLM Proxy",
        version="1",
        msgid_bugs_address="none",
        last_translator="LLM Proxy",
        language_team="pt-BR",
        creation_date=_MADE,
        revision_date=_MADE,
        fuzzy=False,
    )
    for _, message in texts():
        known = before.get(message[0] if isinstance(message, tuple) else message)
        catalog.add(message, "" if known is None else known.string)
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return the catalogue as text."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, sort_output=True, width=0)
    return buffer.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Return the compiled catalogue."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> None:
    """Bring both files up to date."""
    catalog = updated()
    PO.write_bytes(written(catalog))
    with PO.open("rb") as file:
        MO.write_bytes(compiled(read_po(file, locale="pt_BR")))
    missing = [message.id for message in catalog if message.id and not any(_strings(message.string))]
    print(f"{len(catalog)} texts, {len(missing)} without a translation")  # noqa: T201 - its output


def _strings(string: object) -> tuple[object, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (string,)


if __name__ == "__main__":
    main()
