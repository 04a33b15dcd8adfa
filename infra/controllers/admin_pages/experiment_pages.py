"""Experiments of operators: injected faults and load tests, their state, start and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from domain.administrators import Permission
from domain.chaos import Impact, InjectionType
from domain.errors import InvalidRequestError
from domain.load_test import TIERS
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.model_form import number_of
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked
from infra.controllers.chaos import faults_changed
from infra.controllers.load_tests import plan_changed

_CHAOS, _LOAD_TEST = "/admin/chaos", "/admin/load-test"
_LATEST = 10
_LONGEST = 300
STATES = {
    "running": ("warn", marked("Running")),
    "finished": ("ok", marked("Finished")),
    "stopped": ("off", marked("Stopped")),
    "max_cost_reached": ("bad", marked("Cost reached its limit")),
}


def _texts(page: PageRequest, *names: str) -> dict[str, Any]:
    """Return the fields of a form that are filled in."""
    return {name: text for name in names if (text := page.form.get(name, "").strip()[:_LONGEST])}


def _numbers(page: PageRequest, *names: str) -> dict[str, Any]:
    found = {name: number_of(text) for name, text in _texts(page, *names).items()}
    # As JSON of a request has them
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in found.items()}


def _clock(page: PageRequest) -> Callable[[str], str]:
    return lambda text: page.formats.clock(int(datetime.fromisoformat(text).timestamp() * 1000))


def _record(page: PageRequest, subject: str, changes: Sequence[dict[str, object]] = ()) -> None:
    page.services.changed(page.who.id, page.address, page.action, subject, changes)


def _show_chaos(page: PageRequest, status: int = 200, fault: str = "") -> Response:
    return page.render(
        "chaos.html",
        status,
        state=page.services.experiments.state(),
        fault=fault,
        typed=page.form,
        kinds=[one.value for one in InjectionType],
        severities=[one.value for one in Impact],
        may_change=page.may(Permission.CHANGE_CHAOS),
        clock=_clock(page),
    )


async def _get_chaos(page: PageRequest) -> Response:
    return _show_chaos(page)


async def _post_chaos(page: PageRequest) -> Response:
    fault = _texts(page, "type", "target", "severity") | _numbers(page, "probability", "duration_ms", "error_code")
    body = _texts(page, "experiment_name") | _numbers(page, "duration_minutes") | {"faults": [fault]}
    try:
        state = page.services.experiments.start(body)
    except InvalidRequestError as error:
        return _show_chaos(page, 400, error.message)
    _record(page, f"chaos {state['experiment_name']}", faults_changed(state))
    return page.redirect(_CHAOS)


async def _post_chaos_stop(page: PageRequest) -> Response:
    last = page.services.experiments.stop()
    if last["stopped"]:
        _record(page, f"chaos {last['experiment_name']}")
    return page.redirect(_CHAOS)


def _show_load_tests(page: PageRequest, status: int = 200, fault: str = "") -> Response:
    tests = page.services.load_tests.latest(_LATEST)
    return page.render(
        "load_test.html",
        status,
        tests=tests,
        running=any(one["status"] == "running" for one in tests),
        fault=fault,
        typed=page.form,
        tiers=[(tier.value, *figures) for tier, figures in TIERS.items()],
        states=STATES,
        may_change=page.may(Permission.CHANGE_LOAD_TESTS),
        clock=_clock(page),
    )


async def _get_load_tests(page: PageRequest) -> Response:
    return _show_load_tests(page)


async def _post_load_test(page: PageRequest) -> Response:
    models = [name for text in page.form.get("models", "").split(",") if (name := text.strip())]
    plan = _texts(page, "tier", "project") | _numbers(page, "target_rps", "duration_minutes", "max_cost", "max_tokens")
    try:
        state = page.services.load_tests.start({**plan, "models": models, "stream": page.form.get("whole") != "on"})
    except InvalidRequestError as error:
        return _show_load_tests(page, 400, error.message)
    _record(page, f"load test {state['test_id']}", plan_changed(state))
    return page.redirect(_LOAD_TEST)


async def _post_load_test_stop(page: PageRequest) -> Response:
    state = page.services.load_tests.stop(page.form.get("id", "")[:_LONGEST])
    _record(page, f"load test {state['test_id']}")
    return page.redirect(_LOAD_TEST)


PAGES = (
    AdminPage("GET", _CHAOS, Permission.READ_CHAOS, _get_chaos),
    AdminPage("POST", f"{_CHAOS}/start", Permission.CHANGE_CHAOS, _post_chaos),
    AdminPage("POST", f"{_CHAOS}/stop", Permission.CHANGE_CHAOS, _post_chaos_stop),
    AdminPage("GET", _LOAD_TEST, Permission.READ_LOAD_TESTS, _get_load_tests),
    AdminPage("POST", f"{_LOAD_TEST}/start", Permission.CHANGE_LOAD_TESTS, _post_load_test),
    AdminPage("POST", f"{_LOAD_TEST}/stop", Permission.CHANGE_LOAD_TESTS, _post_load_test_stop),
)
