"""Texts of the pages in the languages of ``locale/``; the English ones are the sources in code and templates."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from infra.controllers.admin_pages.formats import ENGLISH, LOCALES, PORTUGUESE, Locale

FOLDER = Path(__file__).parent / "locale"
DOMAIN = "admin"
_LANGUAGES = {PORTUGUESE.tag: "pt_BR"}


def marked(text: str) -> str:
    """Return the text as it is; marks it as one to translate where it is shown."""
    return text


@cache
def translations_of(locale: Locale) -> NullTranslations:
    """Return the texts of a language."""
    language = _LANGUAGES.get(locale.tag)
    if language is None:
        return NullTranslations()
    with (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return GNUTranslations(file)


def preferred(chosen: str | None, accepted: str) -> Locale:
    """Return the language of a reader.

    Args:
        chosen: the tag that they chose; None if they have not.
        accepted: the ``Accept-Language`` of their browser.
    """
    if chosen in LOCALES:
        return LOCALES[chosen]
    for part in accepted.lower().split(","):
        language = part.partition(";")[0].strip()[:2]
        for locale in LOCALES.values():
            if locale.tag[:2] == language:
                return locale
    return ENGLISH
