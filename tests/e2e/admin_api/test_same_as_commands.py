"""``/api/admin`` of a running server: from a model to the cost of a call, and the same as the commands."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.administrators import (
    ANSWERED,
    bearer,
    call,
    error_of,
    wait_for_lines,
)
from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated
from tests.fakes.processes import llmproxy, llmproxy_json


def test_a_new_operator_gets_from_a_model_to_the_cost_of_a_call(proxy: LLMProxy, admin: httpx.Client) -> None:
    made = admin.put("/api/admin/models/walk", json=simulated("walk"), headers={"if-none-match": "*"}).json()
    assert (made["applied"], made["added"], made["access"][0]["projects"]) == (True, ["walk"], ["*"])
    assert admin.post("/api/admin/projects", json={"id": "walkers", "tags": {"team": "red"}}).status_code == 201
    budget = {"amount": 5, "currency": "USD", "period": "month"}
    assert admin.put("/api/admin/projects/walkers/budgets", json=budget).json()["changed"] is True
    key = admin.post("/api/admin/projects/walkers/keys", json={"name": "ci"})
    assert (key.status_code, key.headers["cache-control"]) == (201, "no-store")
    # The process that answers serves from the change at once.
    called = call(proxy, key.json()["key"], "walk")
    assert called.status_code == 200, called.text
    wait_for_lines(admin)
    (line,) = admin.get(f"/api/admin/calls/{called.headers['x-request-id']}").json()["data"]
    assert (line["project"], line["model"], line["cost"]["currency"]) == ("walkers", "walk", "USD")
    assert {part["unit"] for part in line["cost"]["parts"]} == {"input tokens", "output tokens"}

    dear = simulated("walk") | {"costs": {"currency": "USD", "cost_input_1Mtokens": 5, "cost_output_1Mtokens": 20}}
    planned = admin.post("/api/admin/models/plan", json=dear).json()
    assert [(one["price"], one["percent"]) for one in planned["prices"]] == [("input", 100), ("output", 100)]
    assert admin.put("/api/admin/models/walk", json=dear).json()["changed"] == ["walk"]
    assert admin.post("/api/admin/models/walk/rollback", json={"version": 1}).json()["changes"] is True
    history = admin.get("/api/admin/models/walk/history").json()
    assert [(one["version"], one["how"], one["who"]) for one in history] == [
        (3, "rolled back", "admin"),
        (2, "changed", "admin"),
        (1, "added", "admin"),
    ]


_AUDIT = ("audit", "list", "--subject", "model sim", "--limit", "7")  # refusals of others are added at any time


def _without_moments(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body without what limits have used and reserved, which changes from one moment to the next."""
    return body | {"limits": [(one["of"], one["limit"]) for one in body["limits"]]}


def test_api_and_commands_say_the_same(proxy: LLMProxy, admin: httpx.Client) -> None:
    call(proxy, proxy.key)
    wait_for_lines(admin)
    documents = [simulated("sim", context_window=9000), simulated("broken", model_type="Simulatr")]
    folder = Path(proxy.env["DATA_DIR"]).parent / "same"
    folder.mkdir(exist_ok=True)
    (folder / "body").with_suffix(".json").write_text(json.dumps(documents), "utf-8")

    def command(*arguments: str) -> Any:
        done = llmproxy(*arguments, "--json", env=proxy.env, check=False)
        printed = json.loads(done.stdout.replace("body.json", "body"))
        for fault in printed.get("faults", ()) if isinstance(printed, dict) else ():
            del fault["line"], fault["column"]  # places in a file
        return printed

    table: list[tuple[Any, Any]] = [
        (admin.post("/api/admin/models/validate", json=documents), command("catalog", "validate", str(folder))),
        (admin.post("/api/admin/models/plan", json=documents), command("catalog", "plan", str(folder))),
        (admin.get("/api/admin/models/sim/history"), command("catalog", "history", "sim")),
        (admin.get("/api/admin/history"), command("catalog", "history")),
        (admin.get(f"/api/admin/projects/{PROJECT}/keys"), command("keys", "list", PROJECT)),
        (admin.get(f"/api/admin/projects/{PROJECT}/history"), command("projects", "history", PROJECT)),
        (admin.get("/api/admin/administrators"), command("admins", "list")),
        (admin.get("/api/admin/audit?subject=model sim&limit=7"), command(*_AUDIT)),
    ]
    for answer, printed in table:
        assert answer.json() == printed, answer.url
    question = {"project": PROJECT, "model": "sim", "operation": "ChatCompletion"}
    explained = command("explain", "--project", PROJECT, "--model", "sim")
    del explained["live"]
    answered = admin.post("/api/admin/explain", json=question).json()
    assert _without_moments(answered) == _without_moments(explained)
    limits = admin.get(f"/api/admin/projects/{PROJECT}/limits").json()
    assert _without_moments({"limits": limits}) == _without_moments({"limits": command("limits", "show", PROJECT)})
    verified = admin.get("/api/admin/audit/verify").json()
    assert (verified["problems"], set(verified)) == ([], set(command("audit", "verify")))
    listed = [one for one in command("projects", "list") if one["id"] == PROJECT]
    shown = admin.get(f"/api/admin/projects/{PROJECT}").json()
    assert [{name: shown[name] for name in listed[0]}] == listed


def test_no_text_runs_as_a_formula_in_csv(proxy: LLMProxy, admin: httpx.Client) -> None:
    formulas = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\uff1d1", "plain"]
    for user in formulas:
        assert call(proxy, proxy.key, user=user).status_code == 200
    wait_for_lines(admin)
    table = list(csv.DictReader(io.StringIO(admin.get("/api/admin/usage.csv?by=user").text)))
    users = {row["user"] for row in table}
    assert {"'=1+1", "'+1", "'-1+2", "'@SUM(A1)", "'\\t=1", "'\uff1d1", "plain"} <= users
    assert not users & set(formulas[:-1])
    assert all(row["cost"].replace(".", "").isdigit() for row in table)


@pytest.mark.parametrize(
    ("by", "zone"),
    [
        ("", "UTC"),
        ("project", "UTC"),
        ("project,model,day", "America/Sao_Paulo"),
        ("user,operation", "Asia/Kathmandu"),
        ("key,month", "America/Sao_Paulo"),
    ],
)
def test_reports_of_api_csv_and_commands_are_equal(proxy: LLMProxy, admin: httpx.Client, by: str, zone: str) -> None:
    if not ANSWERED[proxy.url]:
        call(proxy, proxy.key)
    wait_for_lines(admin)
    options = {"by": by, "timezone": zone, "from": "2026-01-01"}
    answer = admin.get("/api/admin/usage", params=options).json()
    printed = llmproxy_json("usage", "report", "--by", by, "--timezone", zone, "--from", "2026-01-01", env=proxy.env)
    assert {name: answer[name] for name in ("rows", "totals", "by", "timezone")} == {
        name: printed[name] for name in ("rows", "totals", "by", "timezone")
    }
    table = list(csv.DictReader(io.StringIO(admin.get("/api/admin/usage.csv", params=options).text)))
    assert [(row["calls"], row["cost"]) for row in table] == [
        (str(row["calls"]), str(row["cost"])) for row in answer["rows"]
    ]


def test_an_owner_sees_and_changes_its_own_projects_alone(
    proxy: LLMProxy, owner: httpx.Client, admin: httpx.Client
) -> None:
    assert call(proxy, admin.post("/api/admin/projects/other/keys", json={}).json()["key"]).status_code == 200
    wait_for_lines(admin)
    assert [one["id"] for one in owner.get("/api/admin/projects").json()["data"]] == [PROJECT]
    assert error_of(owner.get("/api/admin/projects/other")) == (403, "not_permitted")
    assert error_of(owner.get("/api/admin/usage?project=other")) == (403, "not_permitted")
    assert error_of(owner.get("/api/admin/usage.csv?project=other")) == (403, "not_permitted")
    rows = owner.get("/api/admin/usage?by=project").json()["rows"]
    assert {row["project"] for row in rows} <= {PROJECT}
    calls = admin.get("/api/admin/calls").json()["data"]
    assert {one["project"] for one in owner.get("/api/admin/calls").json()["data"]} <= {PROJECT}
    others = [one["request_id"] for one in calls if one["project"] == "other"]
    assert owner.get(f"/api/admin/calls/{others[0]}").status_code == 404
    made = owner.post(f"/api/admin/projects/{PROJECT}/keys", json={"name": "of the owner"}).json()
    limits = f"/api/admin/projects/{PROJECT}/keys/{made['id']}/limits"
    assert owner.patch(limits, json={"rpm": 60}).json()["after"] == {"rpm": 60}
    assert error_of(owner.patch(f"/api/admin/projects/{PROJECT}/limits", json={"rpm": 60})) == (403, "not_permitted")
    assert owner.post(f"/api/admin/projects/{PROJECT}/keys/{made['id']}/revoke").json()["revoked"] is True
    assert error_of(owner.post("/api/admin/projects/other/keys", json={})) == (403, "not_permitted")


def test_discovery_shows_each_key_its_own_models(proxy: LLMProxy, admin: httpx.Client) -> None:
    def found(path: str, key: str = proxy.key) -> list[str]:
        body = httpx.get(f"{proxy.url}{path}", headers=bearer(key)).raise_for_status().json()
        assert body["count"] == len(body["models"])
        return [one["id"] for one in body["models"] if not one["id"].startswith(("many", "walk"))]

    assert found("/api/models") == ["dear", "sim"]
    assert [one["id"] for one in admin.get("/api/models?provider=simulator").json()["models"]].count("private") == 1
    assert found("/api/models?supports_chat=true") == ["sim"]
    assert found("/api/models?supports_chat=false&provider=SIMULATOR") == ["dear"]
    assert found("/api/models?min_context=8000") == ["sim"]
    assert found("/api/models?min_context=8001") == []
    assert found("/api/models/search?q=DEA") == ["dear"]
    assert found("/api/models/search?max_cost=2.5") == ["sim"]
    assert found("/api/models/search?q=sim&max_cost=2.4999") == []
    (one,) = httpx.get(f"{proxy.url}/api/models/search?q=dear", headers=bearer(proxy.key)).json()["models"]
    wanted = {"id", "name", "provider", "context_length", "max_tokens", "supports_chat", "input_cost", "output_cost"}
    assert set(one) == wanted | {"currency", "capabilities"}
    assert error_of(httpx.get(f"{proxy.url}/api/models", headers=bearer("sk-unknown"))) == (401, "invalid_api_key")


def test_keys_expire_and_are_rotated_and_revoked(proxy: LLMProxy, admin: httpx.Client) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = admin.post(f"/api/admin/projects/{PROJECT}/keys", json={"name": "r", "expires_at": soon}).json()
    assert call(proxy, made["key"]).status_code == 200
    path = f"/api/admin/projects/{PROJECT}/keys/{made['id']}"
    new = admin.post(f"{path}/rotate", json={"overlap_seconds": 0}).json()
    assert [call(proxy, key).status_code for key in (made["key"], new["key"])] == [401, 200]
    revoked = admin.post(f"/api/admin/projects/{PROJECT}/keys/{new['id']}/revoke").json()
    assert (revoked["revoked"], revoked["was_revoked_before"]) == (True, False)
    assert call(proxy, new["key"]).status_code == 401
    assert error_of(admin.post(f"/api/admin/projects/{PROJECT}/keys/none/revoke")) == (404, "not_found")
    assert error_of(admin.post("/api/admin/projects", json={"id": PROJECT})) == (409, "already_exists")
