"""Signing in and out, and the choice of language and time zone."""

from __future__ import annotations

from starlette.responses import Response

from domain.documents.values import is_timezone
from infra.controllers.admin_pages.formats import LOCALES
from infra.controllers.admin_pages.guard import AdminPage, set_session
from infra.controllers.admin_pages.page_request import PREFERENCES, PageRequest
from infra.controllers.admin_pages.session_records import WINDOW_MS

_LONGEST_KEY = 2500
_YEAR_SECONDS = 365 * 86_400


async def _get_login(page: PageRequest) -> Response:
    return page.render("login.html", next=page.back(page.query.get("next")), fault="", left=None)


async def _post_login(page: PageRequest) -> Response:
    services, key = page.services, page.form.get("key", "").strip()
    target = page.back(page.form.get("next"))
    left = await services.sessions.records.tries_left(page.address, page.now_ms)
    if left == 0:
        page.refused("too many failed tries")
        return page.render("login.html", 429, next=target, fault="paused", left=0)
    person = await services.identify(key) if 0 < len(key) <= _LONGEST_KEY else None
    if person is None:
        page.refused("not an administrator's key")
        await services.sessions.records.failed(page.address, page.now_ms)
        return page.render("login.html", 401, next=target, fault="wrong", left=left - 1)
    response = page.redirect(target)
    set_session(page, response, services.sessions.begin(person.id, key))
    return response


async def _post_logout(page: PageRequest) -> Response:
    if page.session is not None:
        await page.services.sessions.end(page.session, everywhere=page.form.get("everywhere") == "on")
    response = page.redirect("/admin/login")
    set_session(page, response, None)
    response.headers["clear-site-data"] = '"cache"'
    return response


async def _get_preferences(page: PageRequest) -> Response:
    locale, zone = page.formats.locale.tag, page.formats.zone.key
    language, wanted = page.query.get("language", ""), page.query.get("timezone", "")
    response = page.redirect(page.back(page.query.get("back")))
    chosen = language if language in LOCALES else locale
    zone = wanted if is_timezone(wanted) else zone
    response.set_cookie(
        PREFERENCES, f"{chosen}|{zone}", _YEAR_SECONDS, path="/admin", secure=page.services.secure, httponly=True
    )
    return response


PAUSE_MINUTES = WINDOW_MS // 60_000
PAGES = (
    AdminPage("GET", "/admin/login", None, _get_login, open=True),
    AdminPage("POST", "/admin/login", None, _post_login, open=True),
    AdminPage("POST", "/admin/logout", None, _post_logout),
    AdminPage("GET", "/admin/preferences", None, _get_preferences, open=True),
)
