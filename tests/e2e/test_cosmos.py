"""The product on Cosmos DB: every replica follows edited documents, commands report what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.cosmos_operator import call, edit, variables
from tests.fakes.cosmos_server import KEY
from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import llmproxy, wait_until

VISIBLE_WITHIN = 5
"""Seconds in which a running server shows a change; a promise to operators."""


def test_init_is_safe_to_repeat(on_cosmos: LLMProxy) -> None:
    on_cosmos.command("init")
    on_cosmos.command("init")
    assert call(on_cosmos).status_code == 200


def test_an_edit_in_the_container_is_followed(on_cosmos: LLMProxy, cosmos: FaultProxy) -> None:
    edit(cosmos, lambda container: container.upsert_item(simulated("second", note="unknown to us")))
    wait_until(lambda: call(on_cosmos, "second").status_code == 200, VISIBLE_WITHIN, "the new document")

    edit(cosmos, lambda container: container.upsert_item(simulated("second", model_type="Nonsense")))
    wait_until(lambda: on_cosmos.health()["catalogue"]["left_out"], VISIBLE_WITHIN, "the reason")
    (entry,) = on_cosmos.health()["catalogue"]["left_out"]
    assert (entry["id"], entry["stale"]) == ("second", True)
    assert call(on_cosmos, "second").status_code == 200, "the last good version stays in service"

    edit(cosmos, lambda container: container.upsert_item({"id": "half", "provider": "Simulator"}))
    edit(cosmos, lambda container: container.delete_item("second", "Simulator"))
    wait_until(lambda: call(on_cosmos, "second").status_code == 404, VISIBLE_WITHIN, "its end")
    assert call(on_cosmos).status_code == 200


def test_a_change_made_elsewhere_is_seen_by_every_replica(
    on_cosmos: LLMProxy, cosmos: FaultProxy, tmp_path: Path
) -> None:
    other = LLMProxy(tmp_path / "other", variables=variables(cosmos))
    try:
        on_cosmos.apply(simulated("first"), simulated("third"))
        for replica in (on_cosmos, other):
            wait_until(lambda it=replica: call(it, "third").status_code == 200, VISIBLE_WITHIN, "it")
        assert call(other).status_code == 200
        wait_until(lambda: sum(row["calls"] for row in on_cosmos.usage()) >= 3, 15, "the calls of both replicas")
    finally:
        other.stop()


@pytest.mark.parametrize(("fault", "message"), [(Fault(status=401), "COSMOS_KEY"), (Fault(status=403), "Contributor")])
def test_commands_report_what_is_missing(on_cosmos: LLMProxy, cosmos: FaultProxy, fault: Fault, message: str) -> None:
    cosmos.fault = fault
    done = llmproxy("projects", "list", env=on_cosmos.env, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr


def test_before_init_the_server_reports_that_it_is_needed(tmp_path: Path, cosmos: FaultProxy) -> None:
    env = LLMProxy.environment_of(tmp_path, variables(cosmos))
    done = llmproxy("projects", "list", env=env, check=False)
    assert done.returncode == 1
    assert "llmproxy init" in done.stderr
