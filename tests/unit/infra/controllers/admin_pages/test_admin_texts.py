"""Texts of the pages: every one is translated, and the files that are committed are those of today."""

from __future__ import annotations

import re

from babel.messages.pofile import read_po

from infra.controllers.admin_pages.formats import ENGLISH, PORTUGUESE
from infra.controllers.admin_pages.translations import preferred, translations_of
from tests.admin_texts import MO, PO, compiled, texts, updated, written

PLACE = re.compile(r"%\(\w+\)s")


def test_the_catalogue_has_exactly_the_texts_of_templates_and_code() -> None:
    assert len(list(texts())) > 400
    assert PO.read_bytes() == written(updated()), "run `python -m tests.admin_texts` and translate what is new"


def test_the_compiled_catalogue_is_that_of_the_texts() -> None:
    with PO.open("rb") as file:
        assert MO.read_bytes() == compiled(read_po(file, locale="pt_BR"))


def test_every_text_is_translated_with_the_same_places() -> None:
    with PO.open("rb") as file:
        catalog = read_po(file, locale="pt_BR")
    for message in catalog:
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for string in strings if sources[0] else ():
            assert string, message.id
            assert sorted(PLACE.findall(str(string))) == sorted(PLACE.findall(str(sources[-1]))), message.id


def test_the_language_is_the_chosen_one_then_that_of_the_browser() -> None:
    assert preferred(None, "pt-BR,pt;q=0.9,en;q=0.8") is PORTUGUESE
    assert preferred("en", "pt-BR") is ENGLISH
    assert preferred("<script>", "xx, de;q=0.5, pt-PT") is PORTUGUESE
    assert preferred(None, "") is ENGLISH
    assert translations_of(PORTUGUESE).gettext("Models") == "Modelos"
    assert translations_of(ENGLISH).gettext("Models") == "Models"
