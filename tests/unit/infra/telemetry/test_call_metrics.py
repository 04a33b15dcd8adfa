from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from domain.usage import Usage
from infra.telemetry.call_metrics import OTHER, CallKey, CallMetrics, CostKey, Counts
from infra.telemetry.prometheus import Exposition, Gauge, read_gauges
from infra.telemetry.worker_files import WorkerFiles, collector
from tests.builders import ledger_line

names = st.sampled_from(["one", "two", "three"])
lines = st.builds(
    lambda provider, code, status, cost, usage, latency: ledger_line(
        provider=provider,
        code=code,
        status=status,
        cost_units=cost,
        usage=usage,
        latency_ms=latency,
        error=None if status == 200 else "upstream_error",
    ),
    names,
    names,
    st.sampled_from([200, 429, 502]),
    st.integers(0, 10**15),
    st.builds(Usage, input_tokens=st.integers(0, 10**6), output_tokens=st.integers(0, 10**6)),
    st.integers(0, 200_000),
)


def counted(some: list[Any], most_series: int = 100) -> CallMetrics:
    metrics = CallMetrics(most_series)
    for line in some:
        metrics.call(line)
    return metrics


def samples(counts: Counts) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    body, _ = Exposition([], lambda: (counts, [])).text("")
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            if sample.name.startswith(("llm_", "http_")):
                found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


@given(st.lists(lines, max_size=30), st.lists(lines, max_size=30))
def test_the_counts_of_two_processes_are_those_of_one_that_served_all_calls(some: list[Any], more: list[Any]) -> None:
    total = Counts.empty()
    for part in (some, more):
        total.add(Counts.load(json.loads(json.dumps(counted(part).counts.dump()))))
    assert samples(total) == samples(counted([*some, *more]).counts)


@given(st.lists(lines, min_size=1, max_size=30))
def test_sums_are_those_of_the_ledger(some: list[Any]) -> None:
    found = samples(counted(some).counts)
    assert sum(value for (name, _), value in found.items() if name == "llm_requests_total") == len(some)
    assert sum(value for (name, _), value in found.items() if name == "llm_tokens_total") == sum(
        line.usage.input_tokens + line.usage.output_tokens for line in some
    )
    assert sum(value for (name, _), value in found.items() if name == "llm_proxy_errors_total") == sum(
        line.error is not None for line in some
    )


def test_the_number_of_series_is_bounded() -> None:
    metrics = counted([ledger_line(code=f"model-{n}", project=f"p-{n}", cost_units=1) for n in range(100)], 10)
    assert len(metrics.counts.calls) == 11
    assert metrics.counts.calls[CallKey(OTHER, OTHER, "ChatCompletion", 200)].calls == 90
    assert metrics.counts.costs[CostKey("USD", OTHER, OTHER)] == 90


def test_a_scrape_of_200_models_and_50_projects_is_small() -> None:
    """Only the cost has both labels: everything else has one of them."""
    models, projects = range(200), range(50)
    some = [
        ledger_line(
            code=f"vendor/model-of-a-long-name-{model:03}",
            provider=f"Provider {model % 5}",
            project=f"a-project-of-a-long-name-{project:02}",
            cost_units=10**9,
            usage=Usage(input_tokens=5, output_tokens=7),
        )
        for model in models
        for project in projects
    ]
    metrics = counted(some, 10_000)
    body, _ = Exposition([], lambda: (metrics.counts, [])).text("")
    assert len(body) < 2_000_000
    samples_of = Counter(text.partition("{")[0] for text in body.decode().splitlines() if text.startswith("ll"))
    assert samples_of["llm_proxy_cost_total"] == len(models) * len(projects)
    by_model = {name: count for name, count in samples_of.items() if name != "llm_proxy_cost_total"}
    assert max(by_model.values()) <= len(models) * 20


def test_paths_and_methods_that_callers_make_up_are_one_series() -> None:
    metrics = CallMetrics(10)
    for number in range(50):
        metrics.request(f"METHOD{number}", OTHER, 404, 1)
    assert len(metrics.counts.requests) == 1


def test_buckets_are_cumulative_and_in_seconds() -> None:
    found = samples(counted([ledger_line(latency_ms=10), ledger_line(latency_ms=11)]).counts)
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in found.items()
        if name == "llm_proxy_response_time_seconds_bucket"
    }
    assert (buckets["0.01"], buckets["0.02"], buckets["+Inf"]) == (1, 2, 2)


def test_workers_see_each_other_and_the_dead_keep_their_counts_but_not_their_gauges(tmp_path: Path) -> None:
    gauge = Gauge("waiting", "Waiting.", (), lambda: [((), 5.0)])
    alive, dead = WorkerFiles(tmp_path, 1, 1), WorkerFiles(tmp_path, 1, 2**22 + 1)
    alive.clean()
    dead.write(counted([ledger_line()]).counts.dump(), read_gauges([gauge]))
    total, readings = collector(counted([ledger_line()]).counts, lambda: read_gauges([gauge]), alive)()
    assert sum(series.calls for series in total.calls.values()) == 2
    assert [reading.get("waiting") for reading in readings] == [[((), 5.0)], None]


def test_files_of_servers_that_ended_are_removed_and_broken_ones_ignored(tmp_path: Path) -> None:
    old = WorkerFiles(tmp_path, 2**22 + 1, 7)
    old.write(Counts.empty().dump(), {})
    own = WorkerFiles(tmp_path, 1, 1)
    own.clean()
    (tmp_path / "1-9.json").write_text("{")
    assert [path.name for path in tmp_path.iterdir()] == ["1-9.json"]
    assert list(own.others()) == []
