"""A reader's sums: those of their projects, equal to the sums of exactly these lines, whatever the grouping."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from application.admin.selected_usage import selected_report
from application.admin.usage import report
from application.admin.usage_query import make_query
from domain.ledger import LedgerLine
from infra.usage_store.memory import MemoryUsageStore
from tests.builders import ledger_line

PROJECTS = ("a", "b", "c")
LINES = st.lists(
    st.builds(
        lambda project, code, units, currency, unpriced: (project, code, units, currency, unpriced),
        st.sampled_from(PROJECTS),
        st.sampled_from(("gpt", "mini")),
        st.integers(0, 10**15),
        st.sampled_from(("USD", "BRL")),
        st.sampled_from(((), ("input",))),
    ),
    max_size=12,
)


def _lines(rows: list[tuple[str, str, int, str, tuple[str, ...]]]) -> list[LedgerLine]:
    return [
        ledger_line(id=str(n), project=project, code=code, cost_units=units, currency=currency, unpriced=unpriced)
        for n, (project, code, units, currency, unpriced) in enumerate(rows)
    ]


@given(LINES, st.sets(st.sampled_from(PROJECTS)), st.sampled_from(("", "model", "project", "day,model", "key")))
async def test_sums_of_some_projects_are_those_of_their_lines(
    rows: list[tuple[str, str, int, str, tuple[str, ...]]], scope: set[str], by: str
) -> None:
    lines, query = _lines(rows), make_query(by)
    everything, theirs = MemoryUsageStore(), MemoryUsageStore()
    await everything.add(lines)
    await theirs.add([line for line in lines if line.project in scope])
    seen, expected = await selected_report(everything, query, scope), await report(theirs, query)
    assert list(seen.rows) == list(expected.rows)
    assert list(seen.totals) == list(expected.totals)
    assert {key: dict(each) for key, each in seen.lacking.items()} == {
        key: dict(each) for key, each in expected.lacking.items()
    }
    assert await selected_report(everything, query, None) == await report(everything, query)
