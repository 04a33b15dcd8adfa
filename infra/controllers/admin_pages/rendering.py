"""Templates: Jinja2 with autoescaping, one environment for each language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.administrators import Permission
from infra.controllers.admin_pages import charts
from infra.controllers.admin_pages.formats import LOCALES, Locale
from infra.controllers.admin_pages.translations import marked, translations_of

TEMPLATES = Path(__file__).parent / "templates"
NAVIGATION = (
    ("/admin", marked("Overview"), Permission.READ_USAGE),
    ("/admin/models", marked("Models"), Permission.READ_MODELS),
    ("/admin/projects", marked("Projects"), Permission.READ_PROJECTS),
    ("/admin/usage", marked("Usage"), Permission.READ_USAGE),
    ("/admin/calls", marked("Calls"), Permission.READ_USAGE),
    ("/admin/health", marked("Health"), Permission.READ_HEALTH),
    ("/admin/explain", marked("Explain"), Permission.READ_MODELS),
    ("/admin/chaos", marked("Chaos"), Permission.READ_CHAOS),
    ("/admin/load-test", marked("Load test"), Permission.READ_LOAD_TESTS),
    ("/admin/audit", marked("Audit"), Permission.READ_AUDIT),
    ("/admin/settings", marked("Settings"), Permission.READ_SETTINGS),
)
"""Address, title and needed permission of each entry."""


def extraction_environment() -> Environment:
    """Return an environment that reads the templates as they are, for extracting their texts."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )


@cache
def _environment(locale: Locale) -> Environment:
    environment = extraction_environment()
    translations = translations_of(locale)
    environment.install_gettext_callables(translations.gettext, translations.ngettext, newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["pair"] = lambda value: (value, value)
    environment.globals |= {
        "navigation": NAVIGATION,
        "locales": LOCALES.values(),
        "charts": charts,
        "P": Permission,
        "query": lambda **members: urlencode({k: v for k, v in members.items() if v not in (None, "")}),
    }
    return environment


def render(locale: Locale, template: str, values: Mapping[str, object]) -> str:
    """Return the text of a page in a language."""
    return _environment(locale).get_template(template).render(values)
